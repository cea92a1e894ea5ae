// A tensor that owns its memory.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "halftone/tensor.h"

namespace halftone::integer {

using Shape = std::vector<std::int64_t>;

inline std::span<const std::int64_t> shape_of(const ht_tensor_view &t) {
  return {t.shape, t.rank};
}
inline std::int64_t count_of(std::span<const std::int64_t> shape) {
  std::int64_t n = 1;
  for (const std::int64_t extent : shape) n *= extent;
  return n;
}
inline std::int64_t count_of(const ht_tensor_view &t) {
  return count_of(shape_of(t));
}

// Bytes of `count` elements; types below a byte pack two a byte.
inline std::size_t bytes_of(ht_dtype dtype, std::int64_t count) {
  const auto n = static_cast<std::size_t>(count);
  switch (dtype) {
    case HT_C128:
      return n * 16;
    case HT_F64:
    case HT_I64:
    case HT_U64:
    case HT_C64:
      return n * 8;
    case HT_F32:
    case HT_I32:
    case HT_U32:
      return n * 4;
    case HT_F16:
    case HT_BF16:
    case HT_I16:
    case HT_U16:
      return n * 2;
    case HT_I4:
    case HT_U4:
    case HT_F4E2M1:
      return (n + 1) / 2;
    default:
      return n;
  }
}

class Tensor {
 public:
  Tensor() = default;
  Tensor(ht_dtype dtype, std::span<const std::int64_t> shape) : dtype_(dtype), shape_(shape.begin(), shape.end()) {
    // Never null, so that an empty tensor is told from an unknown one; a multiple of the alignment, as C demands.
    data_.reset(std::aligned_alloc(64, (bytes_of(dtype, count_of(shape)) / 64 + 1) * 64));
    if (data_ == nullptr) throw std::bad_alloc();
  }
  explicit Tensor(const ht_tensor_view &from) : Tensor(from.dtype, shape_of(from)) {
    const std::size_t bytes = bytes_of(from.dtype, count_of(from));
    if (bytes != 0) std::memcpy(data_.get(), from.data, bytes);
  }
  bool empty() const { return data_ == nullptr; }
  std::int64_t count() const { return count_of(shape_); }
  ht_dtype dtype() const { return dtype_; }
  const Shape &shape() const { return shape_; }
  template <typename T>
  T *data() {
    return static_cast<T *>(data_.get());
  }
  template <typename T>
  const T *data() const {
    return static_cast<const T *>(data_.get());
  }
  // Valid while this object is not assigned to; moving it keeps what the view points to.
  ht_tensor_view view() const {
    ht_tensor_view v{};
    v.struct_size = sizeof(v);
    v.dtype = dtype_;
    v.rank = static_cast<std::uint32_t>(shape_.size());
    v.shape = shape_.data();
    v.data = data_.get();
    return v;
  }

 private:
  struct Free {
    void operator()(void *memory) const { std::free(memory); }
  };
  ht_dtype dtype_ = HT_DTYPE_NONE;
  Shape shape_;
  std::unique_ptr<void, Free> data_;
};

// An optional slot that is empty.
inline ht_tensor_view no_tensor() {
  ht_tensor_view none{};
  none.struct_size = sizeof(none);
  return none;
}

}  // namespace halftone::integer
