// The Reduce operators: axes from the attribute or, in later opsets, from the second input. Source: ONNX operators of
// these names, opset 1 to 20.
#include <cmath>
#include <limits>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

// A reduction: start value, one step, and the end, which gets the number of elements. Wide is the accumulator's type.
struct Sum {
  template <typename W>
  static W start() {
    return W{0};
  }
  template <typename W>
  static W step(W sum, W x) {
    return sum + x;
  }
  template <typename W>
  static W finish(W sum, std::int64_t) {
    return sum;
  }
};
struct Mean : Sum {
  template <typename W>
  static W finish(W sum, std::int64_t n) {
    return static_cast<W>(sum / static_cast<W>(n));
  }
};
struct SumSquare : Sum {
  template <typename W>
  static W step(W sum, W x) {
    return sum + x * x;
  }
};
struct L1 : Sum {
  template <typename W>
  static W step(W sum, W x) {
    return sum + (x < W{0} ? W{0} - x : x);
  }
};
struct L2 : SumSquare {
  template <typename W>
  static W finish(W sum, std::int64_t) {
    return static_cast<W>(std::sqrt(static_cast<double>(sum)));
  }
};
struct LogSum : Sum {
  template <typename W>
  static W finish(W sum, std::int64_t) {
    return static_cast<W>(std::log(static_cast<double>(sum)));
  }
};
struct Prod : Sum {
  template <typename W>
  static W start() {
    return W{1};
  }
  template <typename W>
  static W step(W product, W x) {
    return product * x;
  }
};
struct Max : Sum {
  template <typename W>
  static W start() {
    return std::numeric_limits<W>::has_infinity ? -std::numeric_limits<W>::infinity()
                                                : std::numeric_limits<W>::lowest();
  }
  template <typename W>
  static W step(W best, W x) {
    return x > best || x != x ? x : best;
  }
};
struct Min : Sum {
  template <typename W>
  static W start() {
    return std::numeric_limits<W>::has_infinity ? std::numeric_limits<W>::infinity() : std::numeric_limits<W>::max();
  }
  template <typename W>
  static W step(W best, W x) {
    return x < best || x != x ? x : best;
  }
};
struct LogSumExp : Max {};  // the maximum first, then a second pass

// Maxima and minima of bool are "any" and "all", since opset 20.
template <typename Reduction>
using ReducedTypes =
    std::conditional_t<std::is_same_v<Reduction, Max> || std::is_same_v<Reduction, Min>,
                       Types<float, double, std::int32_t, std::int64_t, std::int8_t, std::uint8_t, std::int16_t,
                             std::uint16_t, std::uint32_t, std::uint64_t, Float16, BFloat16, bool>,
                       NumericTypes>;

template <typename Reduction>
class ReduceKernel {
 public:
  explicit ReduceKernel(const sdk::OpNode &node)
      : axes_(node.integers("axes")),
        keepdims_(node.flag("keepdims", true)),
        noop_(node.flag("noop_with_empty_axes", false)) {}

  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, ReducedTypes<Reduction>{});
    const std::vector<bool> reduced = reduced_axes(inputs);
    Shape shape;
    for (std::size_t i = 0; i < reduced.size(); ++i) {
      if (!reduced[i]) shape.push_back(inputs[0].shape[i]);
      if (reduced[i] && keepdims_) shape.push_back(1);
    }
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, ReducedTypes<Reduction>{}, [&]<typename T>() { reduce<T>(inputs, outputs[0]); });
  }

 private:
  std::vector<bool> reduced_axes(sdk::KernelInputs inputs) const {
    const std::size_t rank = inputs[0].rank;
    const Shape axes = sdk::present(inputs, 1) ? integers_of(inputs[1]) : axes_;
    if (axes.empty()) return std::vector<bool>(rank, !noop_);
    std::vector<bool> reduced(rank, false);
    for (const std::int64_t axis : axes) reduced[axis_of(axis, rank)] = true;
    return reduced;
  }
  // Strides of the output under the input's shape: 0 along reduced axes.
  static Shape output_strides(ShapeSpan shape, const std::vector<bool> &reduced) {
    Shape strides(shape.size(), 0);
    std::int64_t stride = 1;
    for (std::size_t i = shape.size(); i-- > 0;) {
      if (reduced[i]) continue;
      strides[i] = stride;
      stride *= shape[i];
    }
    return strides;
  }
  template <typename W, typename T, typename Step>
  static void accumulate(const ht_tensor_view &x, const Shape &strides, std::vector<W> &sums, Step step) {
    const T *from = in_data<T>(x);
    for_each_row<2>(shape_of(x), {strides_of(shape_of(x)), strides},
                    [&](const auto &at, std::int64_t n, const auto &by) {
                      for (std::int64_t i = 0; i < n; ++i) {
                        const auto to = static_cast<std::size_t>(at[1] + i * by[1]);
                        sums[to] = step(to, sums[to], static_cast<W>(from[at[0] + i]));
                      }
                    });
  }
  template <typename T>
  void reduce(sdk::KernelInputs inputs, ht_tensor_view &output) const {
    using W = Accumulator<T>;
    const ht_tensor_view &x = inputs[0];
    const Shape strides = output_strides(shape_of(x), reduced_axes(inputs));
    std::vector<W> sums(static_cast<std::size_t>(count_of(output)), Reduction::template start<W>());
    accumulate<W, T>(x, strides, sums, [](std::size_t, W sum, W value) { return Reduction::step(sum, value); });
    if constexpr (std::is_same_v<Reduction, LogSumExp>) {
      std::vector<W> tops = sums;
      for (W &top : tops) top = std::isfinite(static_cast<double>(top)) ? top : W{0};
      std::vector<double> exps(sums.size(), 0.0);
      accumulate<double, T>(x, strides, exps, [&](std::size_t to, double sum, double value) {
        return sum + std::exp(value - static_cast<double>(tops[to]));
      });
      for (std::size_t i = 0; i < sums.size(); ++i)
        sums[i] = static_cast<W>(static_cast<double>(tops[i]) + std::log(exps[i]));
    }
    const std::int64_t n = sums.empty() ? 0 : count_of(x) / static_cast<std::int64_t>(sums.size());
    T *y = out_data<T>(output);
    for (std::size_t i = 0; i < sums.size(); ++i) y[i] = static_cast<T>(Reduction::template finish<W>(sums[i], n));
  }
  Shape axes_;
  bool keepdims_, noop_;
};
using ReduceSum = ReduceKernel<Sum>;
using ReduceMean = ReduceKernel<Mean>;
using ReduceSumSquare = ReduceKernel<SumSquare>;
using ReduceL1 = ReduceKernel<L1>;
using ReduceL2 = ReduceKernel<L2>;
using ReduceLogSum = ReduceKernel<LogSum>;
using ReduceProd = ReduceKernel<Prod>;
using ReduceMax = ReduceKernel<Max>;
using ReduceMin = ReduceKernel<Min>;
using ReduceLogSumExp = ReduceKernel<LogSumExp>;

}  // namespace
HALFTONE_OP_KERNEL(ReduceSum, "ReduceSum", 1, kNewest)
HALFTONE_OP_KERNEL(ReduceMean, "ReduceMean", 1, kNewest)
HALFTONE_OP_KERNEL(ReduceSumSquare, "ReduceSumSquare", 1, kNewest)
HALFTONE_OP_KERNEL(ReduceL1, "ReduceL1", 1, kNewest)
HALFTONE_OP_KERNEL(ReduceL2, "ReduceL2", 1, kNewest)
HALFTONE_OP_KERNEL(ReduceLogSum, "ReduceLogSum", 1, kNewest)
HALFTONE_OP_KERNEL(ReduceProd, "ReduceProd", 1, kNewest)
HALFTONE_OP_KERNEL(ReduceMax, "ReduceMax", 1, kNewest)
HALFTONE_OP_KERNEL(ReduceMin, "ReduceMin", 1, kNewest)
HALFTONE_OP_KERNEL(ReduceLogSumExp, "ReduceLogSumExp", 1, kNewest)
}  // namespace halftone::reference
