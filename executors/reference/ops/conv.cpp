// Conv over any number of spatial axes: windows are laid out as columns and multiplied by the filters, in double.
// Source: ONNX operator Conv, opset 1 to 22; FusedConv of com.microsoft adds a tensor and an activation.
#include "halftone/op_kernel.hpp"
#include "ops/fused_activation.h"
#include "ops/product.h"
#include "ops/types.h"
#include "ops/version.h"
#include "ops/window.h"

namespace halftone::reference {
namespace {

constexpr std::int64_t kColumns = 256;  // output positions at a time: their columns stay in the cache

class Conv {
 public:
  explicit Conv(const sdk::OpNode &node) : attributes_(node), group_(node.integer("group", 1)) {
    if (group_ < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "group must be at least 1");
  }

  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    const ht_tensor_view &x = inputs[0], &w = inputs[1];
    if (x.rank < 3 || x.rank != w.rank) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         "X has " + std::to_string(x.rank) + " axes and W " + std::to_string(w.rank));
    }
    if (x.shape[1] != w.shape[1] * group_ || w.shape[0] % group_ != 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "X has " + std::to_string(x.shape[1]) + " channels, W takes " +
                                                  std::to_string(w.shape[1]) + " in " + std::to_string(group_) +
                                                  " groups");
    }
    if (sdk::present(inputs, 2) && count_of(inputs[2]) != w.shape[0]) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "B has not one entry per output channel");
    }
    Shape shape = {x.shape[0], w.shape[0]};
    const Window window = window_of(x, w);
    shape.insert(shape.end(), window.output.begin(), window.output.end());
    sdk::set_type(outputs[0], x.dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() { convolve<T>(inputs, outputs[0]); });
  }

 private:
  Window window_of(const ht_tensor_view &x, const ht_tensor_view &w) const {
    return Window(attributes_, shape_of(x).subspan(2), shape_of(w).subspan(2));
  }

  template <typename T>
  void convolve(sdk::KernelInputs inputs, ht_tensor_view &output) const {
    const ht_tensor_view &x = inputs[0], &w = inputs[1];
    const Window window = window_of(x, w);
    const auto table = window_table(window);
    const std::int64_t plane = count_of(window.input), positions = window.positions(), taps = window.taps();
    const std::int64_t in = w.shape[1], out = w.shape[0] / group_, depth = in * taps;
    const auto filters = widened<double>(in_data<T>(w), count_of(w));
    const T *bias = sdk::present(inputs, 2) ? in_data<T>(inputs[2]) : nullptr;
    std::vector<double> columns(static_cast<std::size_t>(depth * kColumns));
    std::vector<double> sums(static_cast<std::size_t>(out * kColumns));
    for (std::int64_t i = 0; i < x.shape[0] * group_; ++i) {  // sample and group
      const T *from = in_data<T>(x) + i * in * plane;
      T *to = out_data<T>(output) + i * out * positions;
      const std::int64_t first = i % group_ * out;
      for (std::int64_t p = 0; p < positions; p += kColumns) {
        const std::int64_t n = std::min(kColumns, positions - p);
        gather(from, plane, table.data() + p, positions, in, taps, n, columns.data());
        product(filters.data() + first * depth, columns.data(), sums.data(), out, n, depth);
        for (std::int64_t c = 0; c < out; ++c) {
          const double offset = bias == nullptr ? 0.0 : static_cast<double>(bias[first + c]);
          for (std::int64_t j = 0; j < n; ++j) {
            to[c * positions + p + j] = static_cast<T>(sums[static_cast<std::size_t>(c * n + j)] + offset);
          }
        }
      }
    }
  }
  template <typename T>
  static void gather(const T *x, std::int64_t plane, const std::int32_t *table, std::int64_t pitch,
                     std::int64_t channels, std::int64_t taps, std::int64_t n, double *columns) {
    for (std::int64_t c = 0; c < channels; ++c, x += plane) {
      for (std::int64_t t = 0; t < taps; ++t, columns += n) {
        const std::int32_t *offsets = table + t * pitch;
        for (std::int64_t j = 0; j < n; ++j) columns[j] = offsets[j] < 0 ? 0.0 : static_cast<double>(x[offsets[j]]);
      }
    }
  }
  WindowAttributes attributes_;
  std::int64_t group_;
};

class FusedConv {
 public:
  explicit FusedConv(const sdk::OpNode &node) : conv_(node), activation_(node) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    conv_.infer(inputs, outputs);
    if (sdk::present(inputs, 3) &&
        !std::ranges::equal(shape_of(inputs[3]), ShapeSpan(outputs[0].shape, outputs[0].rank))) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "Z has not the shape of the output");
    }
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    conv_.run(inputs, outputs);
    if (sdk::present(inputs, 3)) {
      std::vector<double> sum = reals_of(outputs[0]);
      const std::vector<double> more = reals_of(inputs[3]);
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
      store_reals(sum, outputs[0]);
    }
    activation_.apply(outputs[0]);
  }

 private:
  Conv conv_;
  FusedActivation activation_;
};

}  // namespace
HALFTONE_OP_KERNEL_OF("com.microsoft", FusedConv, "FusedConv", 1, 1)
HALFTONE_OP_KERNEL(Conv, "Conv", 1, kNewest)
}  // namespace halftone::reference
