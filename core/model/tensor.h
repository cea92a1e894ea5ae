// Constant tensors: shape and type over shared, immutable bytes.
//
// Copying a Tensor copies a pointer. Writing means making a new one. Bytes live on the heap or in a memory-mapped file
// (external data), and a Tensor may show a slice of either.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/model/dtype.h"

namespace halftone::model {

using Shape = std::vector<std::int64_t>;

std::int64_t element_count(
    std::span<const std::int64_t> shape);  // 1 for rank 0; throws on overflow or a negative extent

class Tensor {
 public:
  Tensor() = default;
  // Zero-filled when no bytes are given. Throws InvalidArgument when the byte count does not fit shape and type.
  Tensor(ht_dtype dtype, Shape shape);
  Tensor(ht_dtype dtype, Shape shape, std::vector<std::byte> bytes);
  // Bytes owned by `owner` (a map, another tensor), which is kept alive.
  Tensor(ht_dtype dtype, Shape shape, std::span<const std::byte> bytes, std::shared_ptr<const void> owner);
  static Tensor from_floats(Shape shape, std::span<const float> values);
  static Tensor from_ints(Shape shape, std::span<const std::int64_t> values);

  ht_dtype dtype() const noexcept { return dtype_; }
  const Shape &shape() const noexcept { return shape_; }
  std::int64_t count() const { return element_count(shape_); }
  std::span<const std::byte> bytes() const noexcept { return bytes_; }
  bool empty() const noexcept { return dtype_ == HT_DTYPE_NONE; }

  // The elements of a tensor that is exactly of this type; throws InvalidArgument otherwise.
  std::span<const float> floats() const;
  std::span<const std::int64_t> ints() const;
  // Converted copies: any float type, any integer type or bool.
  std::vector<float> to_floats() const;
  std::vector<std::int64_t> to_ints() const;

  bool same_storage(const Tensor &other) const noexcept { return bytes_.data() == other.bytes_.data(); }

 private:
  ht_dtype dtype_ = HT_DTYPE_NONE;
  Shape shape_;
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
};

}  // namespace halftone::model
