// Einsum: sums of products by an equation over named axes. Source: ONNX operator Einsum, opset 12 (numpy's notation:
// repeated names are diagonals, "..." stands for leading axes that broadcast).
#include <algorithm>

#include "halftone/op_kernel.hpp"
#include "ops/einsum_plan.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Einsum {
 public:
  explicit Einsum(const sdk::OpNode &node) : equation_(node) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, NumericTypes{});
    const EinsumPlan plan = equation_.plan(inputs);
    sdk::set_type(outputs[0], inputs[0].dtype, ShapeSpan(plan.extents).first(plan.kept));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const EinsumPlan plan = equation_.plan(inputs);
    dispatch(inputs[0].dtype, NumericTypes{}, [&]<typename T>() { contract<T>(inputs, plan, outputs[0]); });
  }

 private:
  template <typename T>
  static void contract(sdk::KernelInputs inputs, const EinsumPlan &plan, ht_tensor_view &output) {
    using W = std::conditional_t<kIsReal<T>, double, std::uint64_t>;  // integers wrap
    const std::int64_t inner = count_of(plan.extents, plan.kept, plan.extents.size()), outer = count_of(output);
    if (inner == 0) std::fill_n(out_data<T>(output), outer, T{});
    std::vector<const T *> data;
    for (const ht_tensor_view &input : inputs) data.push_back(in_data<T>(input));
    W sum{};
    for_each_term(plan, [&](std::int64_t i, const Shape &offsets) {
      W product{1};
      for (std::size_t k = 0; k < data.size(); ++k) product *= static_cast<W>(data[k][offsets[k]]);
      sum += product;
      if ((i + 1) % inner != 0) return;
      out_data<T>(output)[i / inner] = static_cast<T>(sum);
      sum = W{};
    });
  }
  EinsumEquation equation_;
};

}  // namespace
HALFTONE_OP_KERNEL(Einsum, "Einsum", 12, kNewest)
}  // namespace halftone::reference
