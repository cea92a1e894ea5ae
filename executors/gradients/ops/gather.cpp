// Gradients of Gather, GatherElements and GatherND: what was read several times has the sum.
#include "indices.h"
#include "sums.h"

namespace halftone::gradients {
namespace {

// Adds dy to what each of its elements was read from. `Reads`: see indices.h.
template <typename Reads>
class GatherGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(1), .differentiates = sdk::slots(0)};
  explicit GatherGradient(const sdk::OpNode &node) : reads_(node) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const auto dy = pass.dy();
    Sums dx(pass.dx());
    reads_.each(pass.input_shape(0), pass.input(1), [&](std::int64_t i, std::int64_t from) {
      dx[from] += static_cast<double>(dy[static_cast<std::size_t>(i)]);
    });
    dx.store();
  }

 private:
  Reads reads_;
};
using Gather = GatherGradient<SliceIndices>;
using GatherElements = GatherGradient<ElementIndices>;
using GatherNd = GatherGradient<TupleIndices>;

}  // namespace
HALFTONE_OP_GRADIENT(Gather, "Gather", 1, kNewest)
HALFTONE_OP_GRADIENT(GatherElements, "GatherElements", 11, kNewest)
HALFTONE_OP_GRADIENT(GatherNd, "GatherND", 11, kNewest)
}  // namespace halftone::gradients
