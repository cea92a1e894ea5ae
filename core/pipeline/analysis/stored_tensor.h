// A tensor that a session handed over, kept in row-major order to be compared or fed to another session.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/model/tensor.h"
#include "halftone/tensor.h"

namespace halftone::pipeline {

class StoredTensor {
 public:
  // Copies; blocked and strided float32 tensors are brought into row-major order. Keeps its memory for the next one.
  void store(const ht_tensor_view &view);
  // Valid until the next store().
  ht_tensor_view view() const;
  // The elements; none where the tensor is not float32.
  std::span<const float> floats() const;
  const model::Shape &shape() const noexcept { return shape_; }

 private:
  void store_strided(const ht_tensor_view &view);
  void store_blocked(const ht_tensor_view &view);
  ht_dtype dtype_ = HT_DTYPE_NONE;
  model::Shape shape_;
  std::vector<float> floats_;
  std::vector<std::byte> bytes_;  // of other types
};

}  // namespace halftone::pipeline
