// Gradient of Einsum: by an operand, dy times the product of the other operands, summed over the axes that the operand
// lacks.
#include "ops/einsum_plan.h"
#include "sums.h"

namespace halftone::gradients {
namespace {

class EinsumGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots_from(0), .differentiates = sdk::slots_from(0)};
  explicit EinsumGradient(const sdk::OpNode &node) : equation_(node) {}
  void backward(const sdk::Backward &pass) const {
    const reference::EinsumPlan plan = equation_.plan(pass.inputs());
    const std::int64_t inner = count_of(plan.extents, plan.kept, plan.extents.size());
    const auto dy = pass.dy();
    for (std::size_t slot = 0; slot < pass.input_count(); ++slot) {
      if (!pass.wants(slot)) continue;
      std::vector<std::pair<std::size_t, std::span<const float>>> others;
      for (std::size_t k = 0; k < pass.input_count(); ++k) {
        if (k != slot) others.emplace_back(k, pass.x(k));
      }
      Sums dx(pass.dx(slot));
      reference::for_each_term(plan, [&](std::int64_t i, const Shape &offsets) {
        auto part = static_cast<double>(dy[static_cast<std::size_t>(i / inner)]);
        for (const auto &[k, x] : others) part *= static_cast<double>(x[static_cast<std::size_t>(offsets[k])]);
        dx[offsets[slot]] += part;
      });
      dx.store();
    }
  }

 private:
  reference::EinsumEquation equation_;
};

}  // namespace
HALFTONE_OP_GRADIENT(EinsumGradient, "Einsum", 12, kNewest)
}  // namespace halftone::gradients
