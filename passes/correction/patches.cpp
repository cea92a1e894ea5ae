#include "patches.h"

#include <algorithm>

namespace halftone::passes {
namespace {

std::int64_t dilated(const Window &w, std::size_t axis) {
  return (w.kernel[axis] - 1) * w.dilations[axis] + 1;
}

// Pads of one axis in front and behind, with auto_pad resolved as ONNX has it.
std::pair<std::int64_t, std::int64_t> pads_of(const Window &w, std::size_t axis, std::int64_t extent) {
  const bool upper = w.auto_pad == "SAME_UPPER", lower = w.auto_pad == "SAME_LOWER";
  if (w.auto_pad == "VALID") return {0, 0};
  if (!upper && !lower) return {w.pads_begin[axis], w.pads_end[axis]};
  std::int64_t total = 0;
  if (w.transposed) {
    total = dilated(w, axis) + w.output_padding[axis] - w.strides[axis];
  } else {
    const std::int64_t positions = (extent + w.strides[axis] - 1) / w.strides[axis];
    total = (positions - 1) * w.strides[axis] + dilated(w, axis) - extent;
  }
  total = std::max<std::int64_t>(total, 0);
  const std::int64_t less = total / 2;
  return upper ? std::pair(less, total - less) : std::pair(total - less, less);
}

}  // namespace

AxisTaps axis_taps(const Window &w, std::size_t axis, std::int64_t extent) {
  const auto [begin, end] = pads_of(w, axis, extent);
  const std::int64_t stride = w.strides[axis];
  const std::int64_t positions = w.transposed
                                     ? (extent - 1) * stride + w.output_padding[axis] + dilated(w, axis) - begin - end
                                     : (extent + begin + end - dilated(w, axis)) / stride + 1;
  AxisTaps taps;
  taps.positions = static_cast<std::size_t>(std::max<std::int64_t>(positions, 0));
  taps.taps = static_cast<std::size_t>(w.kernel[axis]);
  taps.index.reserve(taps.positions * taps.taps);
  for (std::int64_t p = 0; p < static_cast<std::int64_t>(taps.positions); ++p) {
    for (std::int64_t k = 0; k < w.kernel[axis]; ++k) {
      std::int64_t at = 0;
      if (w.transposed) {
        const std::int64_t scaled = p + begin - k * w.dilations[axis];
        at = scaled >= 0 && scaled % stride == 0 ? scaled / stride : -1;
      } else {
        at = p * stride - begin + k * w.dilations[axis];
      }
      taps.index.push_back(at >= 0 && at < extent ? static_cast<std::int32_t>(at) : -1);
    }
  }
  return taps;
}

Patches::Patches(const Window &window, std::size_t channels, std::span<const std::int64_t> spatial)
    : spatial_(spatial.begin(), spatial.end()), channels_(channels) {
  for (std::size_t a = 0; a < spatial.size(); ++a) {
    axes_.push_back(axis_taps(window, a, spatial[a]));
    taps_ *= axes_.back().taps;
    positions_ *= axes_.back().positions;
    plane_ *= static_cast<std::size_t>(spatial[a]);
  }
}

void Patches::copy(const float *input, std::size_t first, std::size_t count, float *out) const {
  std::vector<std::int64_t> offsets(taps_);
  for (std::size_t p = first; p < first + count; ++p) {
    // Offsets of the taps within a channel's plane; -1 for padding.
    for (std::size_t t = 0; t < taps_; ++t) {
      std::size_t position = p, tap = t;
      std::int64_t offset = 0, step = 1;
      for (std::size_t a = axes_.size(); a-- > 0;) {
        const AxisTaps &axis = axes_[a];
        const std::int32_t at = axis.index[position % axis.positions * axis.taps + tap % axis.taps];
        position /= axis.positions;
        tap /= axis.taps;
        if (at < 0) offset = -1;
        if (offset >= 0) offset += at * step;
        step *= spatial_[a];
      }
      offsets[t] = offset;
    }
    for (std::size_t c = 0; c < channels_; ++c) {
      const float *plane = input + c * plane_;
      for (const std::int64_t offset : offsets) *out++ = offset < 0 ? 0.0F : plane[offset];
    }
  }
}

}  // namespace halftone::passes
