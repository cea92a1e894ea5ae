// A tensor with memory of its own, plain and contiguous.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "halftone/graph.hpp"

namespace halftone::sdk {

// Bits of an element; 0 for types whose elements have no fixed size, such as strings.
inline std::size_t bits_of(ht_dtype dtype) {
  constexpr std::array<std::uint8_t, 25> kBits = {0, 32, 64, 16, 16, 8,  8,   16, 16, 32, 32, 64, 64,
                                                  8, 8,  8,  4,  4,  64, 128, 0,  4,  8,  8,  8};
  return dtype < kBits.size() ? kBits[dtype] : 0;
}
inline std::size_t bytes_of(ht_dtype dtype, std::int64_t elements) {
  return (static_cast<std::size_t>(elements) * bits_of(dtype) + 7) / 8;
}

class OwnedTensor {
 public:
  OwnedTensor() = default;
  OwnedTensor(ht_dtype dtype, std::span<const std::int64_t> shape) : dtype_(dtype), shape_(shape.begin(), shape.end()) {
    constexpr std::size_t kAlignment = 64;
    // Never null, so that an empty tensor is told from none; a multiple of the alignment, as C demands.
    data_.reset(std::aligned_alloc(kAlignment, (bytes() / kAlignment + 1) * kAlignment));
    if (data_ == nullptr) throw std::bad_alloc();
  }
  // A copy of a plain contiguous tensor.
  explicit OwnedTensor(const ht_tensor_view &from) : OwnedTensor(from.dtype, shape_of(from)) {
    if (bytes() != 0) std::memcpy(data_.get(), from.data, bytes());
  }

  bool empty() const { return data_ == nullptr; }  // there is no tensor; one without elements is not empty
  ht_dtype dtype() const { return dtype_; }
  const std::vector<std::int64_t> &shape() const { return shape_; }
  std::int64_t count() const {
    constexpr std::int64_t kMostElements = std::int64_t{1} << 56;  // so that their bits fit 64 as well
    std::int64_t elements = 1;
    for (const std::int64_t extent : shape_) {
      if (extent < 0 || __builtin_mul_overflow(elements, extent, &elements) || elements > kMostElements) {
        throw std::bad_alloc();
      }
    }
    return elements;
  }
  std::size_t bytes() const { return bytes_of(dtype_, count()); }
  std::byte *data() const { return static_cast<std::byte *>(data_.get()); }
  template <typename T>
  T *data() const {
    return static_cast<T *>(data_.get());
  }
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
  std::vector<std::int64_t> shape_;
  std::unique_ptr<void, Free> data_;
};

}  // namespace halftone::sdk
