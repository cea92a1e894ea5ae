// DeformConv: a convolution whose taps are moved by offsets and weighed by a mask (Dai et al., arXiv:1703.06211; Zhu et
// al., arXiv:1811.11168), in two spatial axes. Source: ONNX operator DeformConv, opset 19.
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/product.h"
#include "ops/reals.h"
#include "ops/version.h"
#include "ops/window.h"

namespace halftone::reference {
namespace {

// Bilinear, 0 outside of the plane.
double sample(const double *plane, std::int64_t height, std::int64_t width, double y, double x) {
  const double top = std::floor(y), left = std::floor(x);
  double sum = 0;
  for (int k = 0; k < 4; ++k) {
    const double row = top + k / 2, column = left + k % 2;
    if (!(row >= 0 && row < static_cast<double>(height) && column >= 0 && column < static_cast<double>(width)))
      continue;
    const double weight = (1 - std::fabs(y - row)) * (1 - std::fabs(x - column));
    sum += weight * plane[static_cast<std::int64_t>(row) * width + static_cast<std::int64_t>(column)];
  }
  return sum;
}

class DeformConv {
 public:
  explicit DeformConv(const sdk::OpNode &node)
      : attributes_(node), group_(node.integer("group", 1)), offset_group_(node.integer("offset_group", 1)) {
    if (group_ < 1 || offset_group_ < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "a group count is not positive");
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    const ht_tensor_view &x = inputs[0], &w = inputs[1], &offset = inputs[2];
    if (x.rank != 4 || w.rank != 4 || offset.rank != 4) {
      throw sdk::Failure(HT_UNIMPLEMENTED, "other than two spatial axes");
    }
    const Window window(attributes_, shape_of(x).subspan(2), shape_of(w).subspan(2));
    const Shape wanted = {x.shape[0], 2 * offset_group_ * window.taps(), window.output[0], window.output[1]};
    if (x.shape[1] != w.shape[1] * group_ || w.shape[0] % group_ != 0 || x.shape[1] % offset_group_ != 0 ||
        shape_copy(offset) != wanted) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of X, W and offset do not fit");
    }
    if (sdk::present(inputs, 4) && 2 * count_of(inputs[4]) != count_of(offset)) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the mask has not one entry for each pair of offsets");
    }
    sdk::set_type(outputs[0], x.dtype, Shape{x.shape[0], w.shape[0], window.output[0], window.output[1]});
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ht_tensor_view &x = inputs[0], &w = inputs[1];
    const Window window(attributes_, shape_of(x).subspan(2), shape_of(w).subspan(2));
    const std::int64_t positions = window.positions(), taps = window.taps(), in = w.shape[1], out = w.shape[0] / group_;
    const std::vector<double> filters = reals_of(w), bias = reals_or(inputs, 3, w.shape[0], 0.0);
    std::vector<double> y(static_cast<std::size_t>(count_of(outputs[0])));
    for (std::int64_t i = 0; i < x.shape[0] * group_; ++i) {  // sample and group
      const std::vector<double> columns = columns_of(inputs, window, i / group_, i % group_ * in, in);
      const std::int64_t first = i % group_ * out;
      product(filters.data() + first * in * taps, columns.data(), y.data() + i * out * positions, out, positions,
              in * taps);
      for (std::int64_t j = 0; j < out * positions; ++j) {
        y[static_cast<std::size_t>(i * out * positions + j)] += bias[static_cast<std::size_t>(first + j / positions)];
      }
    }
    store_reals(y, outputs[0]);
  }

 private:
  // What the taps of `count` channels from `first` on read, a row per channel and tap.
  std::vector<double> columns_of(sdk::KernelInputs inputs, const Window &w, std::int64_t n, std::int64_t first,
                                 std::int64_t count) const {
    const std::int64_t channels = inputs[0].shape[1], taps = w.taps(), positions = w.positions();
    const std::int64_t plane = count_of(w.input), per_group = channels / offset_group_;
    const std::vector<double> x = reals_of(inputs[0]), offsets = reals_of(inputs[2]);
    const std::vector<double> mask = reals_or(inputs, 4, count_of(inputs[2]) / 2, 1.0);
    std::vector<double> out;
    for (std::int64_t c = first; c < first + count; ++c) {
      for (std::int64_t t = 0; t < taps; ++t) {
        const std::int64_t at = (n * offset_group_ + c / per_group) * taps + t;  // the pair of offsets
        for (std::int64_t p = 0; p < positions; ++p) {
          const auto moved = [&](std::size_t axis, std::int64_t output, std::int64_t tap) {
            const std::int64_t place = output * w.strides[axis] - w.begin[axis] + tap * w.dilations[axis];
            const std::int64_t slot = (2 * at + static_cast<std::int64_t>(axis)) * positions + p;
            return static_cast<double>(place) + offsets[static_cast<std::size_t>(slot)];
          };
          const double row = moved(0, p / w.output[1], t / w.kernel[1]);
          const double column = moved(1, p % w.output[1], t % w.kernel[1]);
          const double *from = x.data() + (n * channels + c) * plane;
          out.push_back(mask[static_cast<std::size_t>(at * positions + p)] *
                        sample(from, w.input[0], w.input[1], row, column));
        }
      }
    }
    return out;
  }
  WindowAttributes attributes_;
  std::int64_t group_, offset_group_;
};

}  // namespace
HALFTONE_OP_KERNEL(DeformConv, "DeformConv", 19, kNewest)
}  // namespace halftone::reference
