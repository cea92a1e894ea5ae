// The inputs of a weighted layer as a matrix: one column for each output position, one row for each element of the
// weight's row that it meets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace halftone::passes {

// How a convolution walks over its input. Lists have one entry for each spatial axis.
struct Window {
  std::vector<std::int64_t> kernel, strides, dilations, pads_begin, pads_end, output_padding;
  std::string auto_pad = "NOTSET";
  bool transposed = false;  // ConvTranspose
};

// Where each output position of one axis finds its taps: index[position * kernel + tap], below 0 for padding.
struct AxisTaps {
  std::size_t positions = 0, taps = 0;
  std::vector<std::int32_t> index;
};
AxisTaps axis_taps(const Window &window, std::size_t axis, std::int64_t extent);

// Patches of one sample and one group of channels. `input` is [channels, spatial...] of that group, plain. Row r of a
// patch is channel r / taps, tap r % taps with the last axis fastest, which is how the weight lies.
class Patches {
 public:
  Patches(const Window &window, std::size_t channels, std::span<const std::int64_t> spatial);
  std::size_t positions() const noexcept { return positions_; }
  std::size_t rows() const noexcept { return channels_ * taps_; }
  // Columns first .. first + count - 1, each of rows() numbers, one after the other.
  void copy(const float *input, std::size_t first, std::size_t count, float *out) const;

 private:
  std::vector<AxisTaps> axes_;
  std::vector<std::int64_t> spatial_;
  std::size_t channels_, taps_ = 1, positions_ = 1, plane_ = 1;
};

}  // namespace halftone::passes
