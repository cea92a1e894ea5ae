// How the values of a tensor view lie in memory, seen by the statistics: stretches of contiguous values without
// padding, and channels as runs or columns.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "halftone/tensor.h"

namespace halftone::calibration {

class TensorLayout {
 public:
  // Row-major and dense, or blocked and dense: anything else was copied into row-major order, or, where channels do not
  // matter, is dense in another order of axes. With block == 0 element (o, c, i) is values[(o * channels + c) * inner +
  // i], else it is values[((o * blocks + c / block) * inner + i) * block + c % block].
  const float *values = nullptr;
  std::size_t outer = 1, channels = 1, inner = 1;
  std::size_t block = 0, blocks = 0;

  // Throws InvalidArgument for a view that is not a float32 tensor in host memory or lacks the axis.
  TensorLayout(const ht_tensor_view &view, bool by_channel, std::uint32_t channel_axis);
  // Plain row-major order, whatever the view's; a copy where it is another.
  explicit TensorLayout(const ht_tensor_view &view);
  TensorLayout(const TensorLayout &) = delete;
  TensorLayout &operator=(const TensorLayout &) = delete;

  std::size_t elements() const noexcept { return outer * channels * inner; }

  // Calls take(values, count) for stretches that together hold every value once and no padding; stops when it returns
  // false and returns that.
  template <class Take>
  bool for_each_stretch(const Take &take) const {
    if (block == 0 || channels % block == 0) return take(values, elements());
    const std::size_t whole = (blocks - 1) * inner * block;
    for (std::size_t o = 0; o < outer; ++o) {
      const float *base = values + o * blocks * inner * block;
      if (whole > 0 && !take(base, whole)) return false;
      if (!take_partial_block(base + whole, take)) return false;
    }
    return true;
  }

 private:
  void check(const ht_tensor_view &view, bool by_channel, std::uint32_t channel_axis) const;
  void split_at(const ht_tensor_view &view, std::uint32_t axis);
  void copy(const ht_tensor_view &view);

  // The last block's lanes beyond the extent are padding: what is left is packed into a buffer.
  template <class Take>
  bool take_partial_block(const float *base, const Take &take) const {
    constexpr std::size_t kBuffer = 4096;
    const std::size_t width = channels % block;
    const std::size_t rows_at_once = kBuffer / width == 0 ? 1 : kBuffer / width;
    std::vector<float> buffer(rows_at_once * width);
    for (std::size_t first = 0; first < inner; first += rows_at_once) {
      const std::size_t rows = inner - first < rows_at_once ? inner - first : rows_at_once;
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t w = 0; w < width; ++w) buffer[r * width + w] = base[(first + r) * block + w];
      }
      if (!take(buffer.data(), rows * width)) return false;
    }
    return true;
  }

  std::vector<float> copy_;
};

}  // namespace halftone::calibration
