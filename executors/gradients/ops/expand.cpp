// Gradients of Expand and Tile: the sum over the repetitions.
#include "sums.h"

namespace halftone::gradients {
namespace {

class ExpandGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.differentiates = sdk::slots(0)};
  explicit ExpandGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const ShapeSpan shape = pass.output_shape();
    const auto dy = pass.dy();
    Sums dx(pass.dx());
    for_each_element<2>(shape, {strides_of(shape), broadcast_strides(pass.input_shape(0), shape)},
                        [&](const auto &at) { dx[at[1]] += static_cast<double>(dy[static_cast<std::size_t>(at[0])]); });
    dx.store();
  }
};

class TileGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.differentiates = sdk::slots(0)};
  explicit TileGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    // Each axis becomes two, repeats and extent, of which the input lacks the first.
    const ShapeSpan from = pass.input_shape(0), to = pass.output_shape();
    const Shape own = strides_of(from);
    Shape shape, strides;
    for (std::size_t i = 0; i < from.size(); ++i) {
      shape.insert(shape.end(), {from[i] == 0 ? 0 : to[i] / from[i], from[i]});
      strides.insert(strides.end(), {0, own[i]});
    }
    const auto dy = pass.dy();
    Sums dx(pass.dx());
    for_each_element<2>(shape, {strides_of(shape), strides},
                        [&](const auto &at) { dx[at[1]] += static_cast<double>(dy[static_cast<std::size_t>(at[0])]); });
    dx.store();
  }
};

}  // namespace
HALFTONE_OP_GRADIENT(ExpandGradient, "Expand", 8, kNewest)
HALFTONE_OP_GRADIENT(TileGradient, "Tile", 6, kNewest)
}  // namespace halftone::gradients
