// Rows of chosen samples of a column behind each other, as one tensor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "value_store.h"

namespace halftone::passes {

class JoinedSamples {
 public:
  // All of one shape and type. What view() gives is valid until the next call.
  void fill(const Column &column, std::span<const std::uint64_t> samples);
  ht_tensor_view view();
  ht_dtype dtype() const { return dtype_; }
  std::span<float> floats();  // of a column of float32

 private:
  ht_dtype dtype_ = HT_F32;
  std::vector<std::byte> bytes_;
  std::vector<std::int64_t> shape_;
};

}  // namespace halftone::passes
