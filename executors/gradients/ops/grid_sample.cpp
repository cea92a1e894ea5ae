// Gradient of GridSample by the tensor and by the grid, over any number of spatial axes. Where a position is clamped to
// the border, its coordinate has no gradient; nearest has none by the grid at all, as in PyTorch.
#include <cmath>
#include <string>

#include "sums.h"

namespace halftone::gradients {
namespace {

// An element along one axis, -1 in the padding of zeros; its weight, and the weight's derivative by the grid.
struct Tap {
  std::int64_t index;
  double weight, slope;
};

// A position on one axis: element coordinates, and their derivative by the grid.
struct Place {
  double x, slope;
};

class GridAxis {
 public:
  explicit GridAxis(const sdk::OpNode &node)
      : mode_(node.text("mode", "linear")),
        padding_(node.text("padding_mode", "zeros")),
        align_(node.flag("align_corners", false)) {
    if (mode_ == "bilinear") mode_ = "linear";
    if (mode_ == "bicubic") mode_ = "cubic";
    if (mode_ != "linear" && mode_ != "nearest" && mode_ != "cubic") {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "mode '" + mode_ + "' is unknown");
    }
    if (padding_ != "zeros" && padding_ != "border" && padding_ != "reflection") {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "padding_mode '" + padding_ + "' is unknown");
    }
  }
  std::vector<Tap> taps(double at, std::int64_t extent) const {
    const auto length = static_cast<double>(extent);
    Place place =
        align_ ? Place{(at + 1) / 2 * (length - 1), (length - 1) / 2} : Place{((at + 1) * length - 1) / 2, length / 2};
    if (!(std::fabs(place.x) < 1e15)) place = {place.x > 0 ? 1e15 : -1e15, 0.0};  // NaN too: far outside
    if (mode_ != "cubic") place = padded(place, extent);
    if (mode_ == "nearest") return {{index(std::nearbyint(place.x), extent), 1.0, 0.0}};
    const double base = std::floor(place.x), t = place.x - base;
    if (mode_ == "linear") {
      return {{index(base, extent), 1 - t, -place.slope}, {index(base + 1, extent), t, place.slope}};
    }
    return {{index(base - 1, extent), cubic(1 + t), cubic_slope(1 + t) * place.slope},
            {index(base, extent), cubic(t), cubic_slope(t) * place.slope},
            {index(base + 1, extent), cubic(1 - t), -cubic_slope(1 - t) * place.slope},
            {index(base + 2, extent), cubic(2 - t), -cubic_slope(2 - t) * place.slope}};
  }

 private:
  static constexpr double kA = -0.75;  // Keys' kernel
  static double cubic(double d) {
    if (d <= 1) return ((kA + 2) * d - (kA + 3)) * d * d + 1;
    return ((kA * d - 5 * kA) * d + 8 * kA) * d - 4 * kA;
  }
  static double cubic_slope(double d) {
    if (d <= 1) return (3 * (kA + 2) * d - 2 * (kA + 3)) * d;
    return (3 * kA * d - 10 * kA) * d + 8 * kA;
  }
  Place padded(Place place, std::int64_t extent) const {
    const double low = align_ ? 0.0 : -0.5, high = static_cast<double>(extent) - (align_ ? 1.0 : 0.5);
    if (padding_ == "zeros") return place;
    if (padding_ == "reflection" && (place.x < low || place.x > high)) {
      const double range = high - low;
      if (range <= 0) return {0.0, 0.0};
      const double away = place.x - low, over = std::fmod(std::fabs(away), 2 * range);
      const double back = away < 0 ? -place.slope : place.slope;
      place = over <= range ? Place{low + over, back} : Place{low + 2 * range - over, -back};
    }
    // Border, and after reflection the half elements at the ends, which lie outside of the elements.
    const double last = static_cast<double>(extent - 1);
    if (place.x <= 0) return {0.0, 0.0};
    if (place.x >= last) return {last, 0.0};
    return place;
  }
  std::int64_t index(double x, std::int64_t extent) const {
    const double last = static_cast<double>(extent - 1);
    if (padding_ == "zeros") return x >= 0 && x <= last ? static_cast<std::int64_t>(x) : -1;
    const double at = padded({x, 1.0}, extent).x;
    return static_cast<std::int64_t>(std::nearbyint(at));
  }
  std::string mode_, padding_;
  bool align_;
};

class GridSampleGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1), .differentiates = sdk::slots(0, 1)};
  explicit GridSampleGradient(const sdk::OpNode &node) : axis_(node) {}
  void backward(const sdk::Backward &pass) const {
    const ShapeSpan x = pass.input_shape(0), spatial = x.subspan(2);
    const std::size_t n = spatial.size();
    const std::int64_t plane = count_of(spatial), points = count_of(pass.output_shape().subspan(2));
    const auto grid = pass.x(1), dy = pass.dy();
    const auto data = pass.wants(1) ? pass.x(0) : std::span<const float>();
    Sums dx(pass.wants(0) ? pass.dx(0) : std::span<float>());
    for (std::int64_t p = 0; p < x[0] * points; ++p) {
      const auto first = static_cast<std::size_t>(p) * n;
      const std::vector<Corner> corners = corners_of(grid.subspan(first, n), spatial);
      std::vector<double> slopes(n, 0.0);
      for (std::int64_t c = 0; c < x[1]; ++c) {
        const std::int64_t channel = p / points * x[1] + c;
        const auto given = static_cast<double>(dy[static_cast<std::size_t>(channel * points + p % points)]);
        for (const Corner &corner : corners) {
          if (corner.index < 0) continue;
          const std::int64_t at = channel * plane + corner.index;
          if (pass.wants(0)) dx[at] += given * corner.weight;
          if (!pass.wants(1)) continue;
          const double value = given * static_cast<double>(data[static_cast<std::size_t>(at)]);
          for (std::size_t k = 0; k < n; ++k) slopes[k] += value * corner.slopes[k];
        }
      }
      if (!pass.wants(1)) continue;
      for (std::size_t k = 0; k < n; ++k) pass.dx(1)[first + n - 1 - k] = static_cast<float>(slopes[k]);
    }
    dx.store();
  }

 private:
  // An element that is read, its weight, and the weight's derivatives by the coordinate on each axis.
  struct Corner {
    std::int64_t index;
    double weight;
    std::vector<double> slopes;
  };
  std::vector<Corner> corners_of(std::span<const float> position, ShapeSpan spatial) const {
    std::vector<Corner> corners = {{0, 1.0, {}}};
    for (std::size_t axis = 0; axis < spatial.size(); ++axis) {  // the grid names the last axis first
      const auto at = static_cast<double>(position[spatial.size() - 1 - axis]);
      std::vector<Corner> next;
      for (const Corner &outer : corners) {
        for (const Tap &tap : axis_.taps(at, spatial[axis])) {
          const bool inside = outer.index >= 0 && tap.index >= 0;
          Corner corner = {inside ? outer.index * spatial[axis] + tap.index : -1, outer.weight * tap.weight,
                           outer.slopes};
          for (double &slope : corner.slopes) slope *= tap.weight;
          corner.slopes.push_back(outer.weight * tap.slope);
          next.push_back(std::move(corner));
        }
      }
      corners = std::move(next);
    }
    return corners;
  }
  GridAxis axis_;
};

}  // namespace
HALFTONE_OP_GRADIENT(GridSampleGradient, "GridSample", 16, kNewest)
}  // namespace halftone::gradients
