// Min, Max, Sum, Mean of any number of tensors. Source: the ONNX operators of these names.
#include "ops/binary.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

struct Min {
  template <typename T>
  T operator()(T a, T b) const {
    return b < a || b != b ? b : a;  // NaN wins
  }
};
struct Max {
  template <typename T>
  T operator()(T a, T b) const {
    return b > a || b != b ? b : a;
  }
};
struct Sum {
  template <typename T>
  T operator()(T a, T b) const {
    return a + b;
  }
};

// Folds the inputs in `Wide` and divides by their number where kMean.
template <typename Function, typename List, bool kWide, bool kMean>
class VariadicKernel {
 public:
  explicit VariadicKernel(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, List{});
    Shape shape = shape_copy(inputs[0]);
    for (const ht_tensor_view &input : inputs) shape = broadcast(shape, shape_of(input));
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, List{}, [&]<typename T>() { fold<T>(inputs, outputs[0]); });
  }

 private:
  template <typename T>
  static void fold(sdk::KernelInputs inputs, ht_tensor_view &output) {
    using Wide = std::conditional_t<kWide, double, T>;
    const ShapeSpan shape = shape_of(output);
    std::vector<Wide> total(static_cast<std::size_t>(count_of(shape)));
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      const T *x = in_data<T>(inputs[k]);
      for_each_row<2>(shape, {strides_of(shape), broadcast_strides(shape_of(inputs[k]), shape)},
                      [&](const auto &at, std::int64_t n, const auto &step) {
                        for (std::int64_t i = 0; i < n; ++i) {
                          Wide &sum = total[static_cast<std::size_t>(at[0] + i)];
                          const Wide value = static_cast<Wide>(x[at[1] + i * step[1]]);
                          sum = k == 0 ? value : Function{}(sum, value);
                        }
                      });
    }
    T *y = out_data<T>(output);
    for (std::size_t i = 0; i < total.size(); ++i) {
      y[i] = static_cast<T>(kMean ? total[i] / static_cast<Wide>(inputs.size()) : total[i]);
    }
  }
};
using MinKernel = VariadicKernel<Min, NumericTypes, false, false>;
using MaxKernel = VariadicKernel<Max, NumericTypes, false, false>;
using SumKernel = VariadicKernel<Sum, FloatTypes, true, false>;
using MeanKernel = VariadicKernel<Sum, FloatTypes, true, true>;

}  // namespace
HALFTONE_OP_KERNEL(MinKernel, "Min", 8, kNewest)
HALFTONE_OP_KERNEL(MaxKernel, "Max", 8, kNewest)
HALFTONE_OP_KERNEL(SumKernel, "Sum", 8, kNewest)
HALFTONE_OP_KERNEL(MeanKernel, "Mean", 8, kNewest)
}  // namespace halftone::reference
