// RoiAlign (He et al., Mask R-CNN, arXiv:1703.06870) and MaxRoiPool (Girshick, Fast R-CNN, arXiv:1504.08083). Source:
// ONNX operators of these names, opset 1, 10 and 16.
#include <algorithm>
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

// Four neighbours of a point in a plane, with their weights; all weights are 0 outside.
struct Bilinear {
  std::int64_t at[4] = {0, 0, 0, 0};
  double weight[4] = {0, 0, 0, 0};

  Bilinear(double y, double x, std::int64_t height, std::int64_t width) {
    if (!(y >= -1.0 && y <= static_cast<double>(height) && x >= -1.0 && x <= static_cast<double>(width))) return;
    const auto limited = [](double v, std::int64_t n) { return std::clamp(v, 0.0, static_cast<double>(n - 1)); };
    y = limited(y, height);
    x = limited(x, width);
    const auto top = static_cast<std::int64_t>(y), left = static_cast<std::int64_t>(x);
    const std::int64_t bottom = std::min(top + 1, height - 1), right = std::min(left + 1, width - 1);
    const double dy = y - static_cast<double>(top), dx = x - static_cast<double>(left);
    const std::int64_t offsets[4] = {top * width + left, top * width + right, bottom * width + left,
                                     bottom * width + right};
    const double weights[4] = {(1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx), dy * dx};
    std::copy_n(offsets, 4, at);
    std::copy_n(weights, 4, weight);
  }
};

// What one cell of one channel has gathered so far.
struct Pooled {
  double sum = 0, top = -HUGE_VAL;

  template <typename T>
  void take(const T *plane, const Bilinear &point) {
    for (int k = 0; k < 4; ++k) {
      const double term = point.weight[k] * static_cast<double>(plane[point.at[k]]);
      sum += term;
      top = std::max(top, term);
    }
  }
};

class RoiAlign {
 public:
  explicit RoiAlign(const sdk::OpNode &node)
      : height_(node.integer("output_height", 1)),
        width_(node.integer("output_width", 1)),
        ratio_(node.integer("sampling_ratio", 0)),
        scale_(node.number("spatial_scale", 1.0)),
        max_(node.text("mode", "avg") == "max"),
        half_pixel_(node.opset() >= 16 && node.text("coordinate_transformation_mode", "half_pixel") == "half_pixel") {
    if (height_ < 1 || width_ < 1)
      throw sdk::Failure(HT_INVALID_ARGUMENT, "output_height or output_width is not positive");
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    if (inputs[0].rank != 4 || inputs[1].rank != 2 || inputs[1].shape[1] != 4 ||
        count_of(inputs[2]) != inputs[1].shape[0] || inputs[0].shape[2] < 1 || inputs[0].shape[3] < 1) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of X, rois and batch_indices do not fit");
    }
    sdk::set_type(outputs[0], inputs[0].dtype, Shape{inputs[1].shape[0], inputs[0].shape[1], height_, width_});
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const Shape batches = integers_of(inputs[2]);
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() {
      for (std::size_t r = 0; r < batches.size(); ++r) {
        if (batches[r] < 0 || batches[r] >= inputs[0].shape[0]) {
          throw sdk::Failure(HT_INVALID_ARGUMENT, "a batch index is outside of X");
        }
        align(inputs[0], in_data<T>(inputs[1]) + 4 * r, batches[r],
              out_data<T>(outputs[0]) + static_cast<std::int64_t>(r) * inputs[0].shape[1] * height_ * width_);
      }
    });
  }

 private:
  template <typename T>
  void align(const ht_tensor_view &x, const T *roi, std::int64_t batch, T *to) const {
    const std::int64_t channels = x.shape[1], rows = x.shape[2], columns = x.shape[3];
    const double shift = half_pixel_ ? 0.5 : 0.0;
    const auto edge = [&](int i) { return static_cast<double>(roi[i]) * scale_ - shift; };
    double height = edge(3) - edge(1), width = edge(2) - edge(0);
    if (!half_pixel_) {
      height = std::max(height, 1.0);
      width = std::max(width, 1.0);
    }
    const double bin_height = height / static_cast<double>(height_), bin_width = width / static_cast<double>(width_);
    const std::int64_t down = samples(bin_height), across = samples(bin_width);
    if (down * across > kMostPoints) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "a box asks for " + std::to_string(down * across) + " points per cell; " +
                                                  std::to_string(kMostPoints) + " are the most");
    }
    const T *planes = in_data<T>(x) + batch * channels * rows * columns;
    std::vector<Pooled> pooled(static_cast<std::size_t>(channels));
    for (std::int64_t p = 0; p < height_ * width_; ++p) {
      std::ranges::fill(pooled, Pooled{});
      for (std::int64_t i = 0; i < down * across; ++i) {
        const auto within = [](std::int64_t k, std::int64_t n) {
          return (static_cast<double>(k) + 0.5) / static_cast<double>(n);
        };
        const double y = edge(1) + (static_cast<double>(p / width_) + within(i / across, down)) * bin_height;
        const double left = edge(0) + (static_cast<double>(p % width_) + within(i % across, across)) * bin_width;
        const Bilinear point(y, left, rows, columns);
        for (std::int64_t c = 0; c < channels; ++c) {
          pooled[static_cast<std::size_t>(c)].take(planes + c * rows * columns, point);
        }
      }
      for (std::int64_t c = 0; c < channels; ++c) {
        to[c * height_ * width_ + p] = static_cast<T>(result(pooled[static_cast<std::size_t>(c)], down * across));
      }
    }
  }
  // A cell of a box that covers a plane of 4096 x 4096 has as many.
  static constexpr std::int64_t kMostPoints = std::int64_t{1} << 24;
  std::int64_t samples(double bin) const {
    const double count = ratio_ > 0 ? static_cast<double>(ratio_) : std::ceil(bin);
    return count > 0 ? static_cast<std::int64_t>(std::min(count, 0x1p30)) : 0;  // 0 for NaN as well
  }
  // The mean of the points' values; or the greatest of their weighted neighbours, which is what runtimes have computed
  // for mode max since it exists, and what the published results hold.
  double result(const Pooled &pooled, std::int64_t points) const {
    if (points == 0) return 0;
    return max_ ? pooled.top : pooled.sum / static_cast<double>(points);
  }
  std::int64_t height_, width_, ratio_;
  double scale_;
  bool max_, half_pixel_;
};

class MaxRoiPool {
 public:
  explicit MaxRoiPool(const sdk::OpNode &node)
      : pooled_(node.integers("pooled_shape")), scale_(node.number("spatial_scale", 1.0)) {
    if (pooled_.size() != 2 || pooled_[0] < 1 || pooled_[1] < 1) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "pooled_shape must have two entries, both positive");
    }
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    if (inputs[0].rank != 4 || inputs[1].rank != 2 || inputs[1].shape[1] != 5) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of X and rois do not fit");
    }
    sdk::set_type(outputs[0], inputs[0].dtype, Shape{inputs[1].shape[0], inputs[0].shape[1], pooled_[0], pooled_[1]});
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() {
      const std::int64_t channels = inputs[0].shape[1], cells = pooled_[0] * pooled_[1];
      for (std::int64_t i = 0; i < count_of(outputs[0]); ++i) {
        const T *roi = in_data<T>(inputs[1]) + i / cells / channels * 5;
        out_data<T>(outputs[0])[i] = cell(inputs[0], roi, i / cells % channels, i % cells);
      }
    });
  }

 private:
  // The rows or columns of one cell, begin and end, cut to the plane.
  std::pair<std::int64_t, std::int64_t> range(double low, double high, std::int64_t at, std::int64_t cells,
                                              std::int64_t extent) const {
    const double start = std::round(low * scale_), length = std::max(std::round(high * scale_) - start + 1, 1.0);
    const double bin = length / static_cast<double>(cells);
    const auto limited = [&](double x) {
      const double at_most = std::min(x + start, static_cast<double>(extent));
      return at_most > 0 ? static_cast<std::int64_t>(at_most) : 0;  // 0 for NaN as well
    };
    return {limited(std::floor(static_cast<double>(at) * bin)), limited(std::ceil(static_cast<double>(at + 1) * bin))};
  }
  template <typename T>
  T cell(const ht_tensor_view &x, const T *roi, std::int64_t channel, std::int64_t at) const {
    const auto r = [&](int i) { return static_cast<double>(roi[i]); };
    const auto [top, bottom] = range(r(2), r(4), at / pooled_[1], pooled_[0], x.shape[2]);
    const auto [left, right] = range(r(1), r(3), at % pooled_[1], pooled_[1], x.shape[3]);
    const auto batch = static_cast<std::int64_t>(r(0));
    if (batch < 0 || batch >= x.shape[0]) throw sdk::Failure(HT_INVALID_ARGUMENT, "a batch index is outside of X");
    if (top >= bottom || left >= right) return T{};
    const T *plane = in_data<T>(x) + (batch * x.shape[1] + channel) * x.shape[2] * x.shape[3];
    T best = plane[top * x.shape[3] + left];
    for (std::int64_t y = top; y < bottom; ++y) {
      for (std::int64_t k = left; k < right; ++k) best = std::max(best, plane[y * x.shape[3] + k]);
    }
    return best;
  }
  Shape pooled_;
  double scale_;
};

}  // namespace
HALFTONE_OP_KERNEL(RoiAlign, "RoiAlign", 10, kNewest)
HALFTONE_OP_KERNEL(MaxRoiPool, "MaxRoiPool", 1, kNewest)
}  // namespace halftone::reference
