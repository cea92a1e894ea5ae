#include "ops/interpolation.h"

#include <algorithm>
#include <cmath>

#include "halftone/op_kernel.hpp"

namespace halftone::reference {

// The coordinate in the input for one in the output.
double Interpolation::source(std::int64_t at, std::int64_t from, std::int64_t to, double scale, double start,
                             double end) const {
  const auto x = static_cast<double>(at), last = static_cast<double>(from - 1), length = static_cast<double>(to);
  if (coordinates == "half_pixel") return (x + 0.5) / scale - 0.5;
  if (coordinates == "half_pixel_symmetric") {
    const double adjustment = length / (scale * static_cast<double>(from));
    return static_cast<double>(from) / 2 * (1 - adjustment) + (x + 0.5) / scale - 0.5;
  }
  if (coordinates == "pytorch_half_pixel") return to > 1 ? (x + 0.5) / scale - 0.5 : 0.0;
  if (coordinates == "align_corners") {
    // The resized length is not rounded here, as the published results of ONNX's node tests show.
    const double resized = scale * static_cast<double>(from);
    return to > 1 ? x * last / (resized - 1) : 0.0;
  }
  if (coordinates == "asymmetric") return x / scale;
  if (coordinates == "tf_half_pixel_for_nn") return (x + 0.5) / scale;
  if (coordinates == "tf_crop_and_resize") {
    return to > 1 ? start * last + x * (end - start) * last / (length - 1) : 0.5 * (start + end) * last;
  }
  throw sdk::Failure(HT_UNIMPLEMENTED, "coordinate_transformation_mode '" + coordinates + "'");
}

std::int64_t Interpolation::nearest(double at) const {
  if (nearest_mode == "round_prefer_floor") return static_cast<std::int64_t>(std::ceil(at - 0.5));
  if (nearest_mode == "round_prefer_ceil") return static_cast<std::int64_t>(std::floor(at + 0.5));
  if (nearest_mode == "floor") return static_cast<std::int64_t>(std::floor(at));
  if (nearest_mode == "ceil") return static_cast<std::int64_t>(std::ceil(at));
  throw sdk::Failure(HT_UNIMPLEMENTED, "nearest_mode '" + nearest_mode + "'");
}

double Interpolation::filter(double distance) const {
  const double d = std::fabs(distance);
  if (mode == "linear") return std::max(0.0, 1.0 - d);
  if (d <= 1) return ((cubic_a + 2) * d - (cubic_a + 3)) * d * d + 1;
  if (d < 2) return ((cubic_a * d - 5 * cubic_a) * d + 8 * cubic_a) * d - 4 * cubic_a;
  return 0;
}

Blend Interpolation::blend(double at, std::int64_t from, double scale) const {
  Blend out;
  if (mode == "nearest") {
    out.taps.push_back({std::clamp<std::int64_t>(nearest(at), 0, from - 1), 1.0});
    return out;
  }
  // When shrinking with antialias the filter is stretched over all elements that one output covers.
  const double stretch = antialias ? std::min(scale, 1.0) : 1.0;
  const double reach = (mode == "linear" ? 1.0 : 2.0) / stretch;
  double sum = 0;
  for (auto i = static_cast<std::int64_t>(std::floor(at - reach)) + 1; static_cast<double>(i) < at + reach; ++i) {
    if (exclude_outside && (i < 0 || i >= from)) continue;
    const double weight = filter((static_cast<double>(i) - at) * stretch);
    out.taps.push_back({std::clamp<std::int64_t>(i, 0, from - 1), weight});
    sum += weight;
  }
  if (exclude_outside || antialias) {
    for (Tap &tap : out.taps) tap.weight /= sum;
  }
  return out;
}

std::vector<Blend> Interpolation::axis(std::int64_t from, std::int64_t to, double scale, double start,
                                       double end) const {
  std::vector<Blend> out;
  for (std::int64_t i = 0; i < to; ++i) {
    const double at = source(i, from, to, scale, start, end);
    out.push_back(blend(at, from, scale));
    out.back().outside = coordinates == "tf_crop_and_resize" && (at < 0 || at > static_cast<double>(from - 1));
  }
  return out;
}

}  // namespace halftone::reference
