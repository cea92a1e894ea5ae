// A tensor that owns its memory, while a sample is computed or as long as a session lives.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "ops/shape.h"
#include "ops/types.h"

namespace halftone::reference {

class Tensor {
 public:
  Tensor() = default;
  Tensor(ht_dtype dtype, ShapeSpan shape) : dtype_(dtype), shape_(shape.begin(), shape.end()) {
    // Never null, so that an empty tensor is told from an unknown one; a multiple of the alignment, as C demands.
    const std::size_t bytes = (bytes_of(dtype, count_of(shape)) / 64 + 1) * 64;
    data_.reset(std::aligned_alloc(64, bytes));
    if (data_ == nullptr) throw std::bad_alloc();
  }
  explicit Tensor(const ht_tensor_view &from) : Tensor(from.dtype, shape_of(from)) {
    const std::size_t bytes = bytes_of(from.dtype, count_of(from));
    if (bytes != 0) std::memcpy(data_.get(), from.data, bytes);
  }
  bool empty() const { return data_ == nullptr; }
  // Valid while this object stays where it is.
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

}  // namespace halftone::reference
