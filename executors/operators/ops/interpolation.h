// Interpolation along one axis, as Resize defines it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace halftone::reference {

// One element of the input and its weight.
struct Tap {
  std::int64_t index;
  double weight;
};

// What one output coordinate is made of; `outside` where tf_crop_and_resize puts the extrapolation value.
struct Blend {
  std::vector<Tap> taps;
  bool outside = false;
};

struct Interpolation {
  std::string mode = "nearest", nearest_mode = "round_prefer_floor", coordinates = "half_pixel";
  double cubic_a = -0.75;
  bool exclude_outside = false, antialias = false;

  // An axis of `from` elements resized to `to`, by `scale`; `start` and `end` are its roi.
  std::vector<Blend> axis(std::int64_t from, std::int64_t to, double scale, double start, double end) const;

 private:
  double source(std::int64_t at, std::int64_t from, std::int64_t to, double scale, double start, double end) const;
  std::int64_t nearest(double at) const;
  double filter(double distance) const;
  Blend blend(double at, std::int64_t from, double scale) const;
};

}  // namespace halftone::reference
