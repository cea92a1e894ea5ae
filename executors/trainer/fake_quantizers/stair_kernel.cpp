#include "stair_kernel.h"

#include "partial_sums.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stair_kernel.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

#include "blocks-inl.h"
#include "soft_step-inl.h"

HWY_BEFORE_NAMESPACE();
namespace halftone::trainer::HWY_NAMESPACE {
namespace {

// Inputs x and dy, output dx.
struct Backward {
  static constexpr std::size_t kIn = 2, kOut = 1;
  static constexpr bool kAdds = false;
  const StepGrid &grid;
  const Stair &stair;

  template <bool kVarying>
  HWY_INLINE void operator()(Line<kVarying> line, const Data<Backward> &data) const {
    const FloatTag d;
    const Floats one = hn::Set(d, 1.0F), half = hn::Set(d, 0.5F), steepness = hn::Set(d, stair.steepness);
    const Floats half_height = hn::Set(d, 0.5F * stair.height);
    HWY_ALIGN float of_scale[kBlock];
    for (std::size_t i = 0; i < kBlock; i += hn::Lanes(d)) {
      const Floats zero = line.zero(i), g = hn::LoadU(d, data.in[1] + i);
      const Floats low = hn::Sub(hn::Set(d, grid.quant_min), zero), high = hn::Sub(hn::Set(d, grid.quant_max), zero);
      const Floats v = hn::Div(hn::LoadU(d, data.in[0] + i), line.scale(i)), floor = hn::Floor(v);
      const Floats centred = hn::Sub(hn::Sub(v, floor), half);
      // tanh u = 1 - 2 / (e^2u + 1)
      const Floats power = exponential(hn::Mul(hn::Add(steepness, steepness), centred));
      const Floats bend = hn::Sub(one, hn::Div(hn::Set(d, 2.0F), hn::Add(power, one)));
      const Floats slope = hn::Mul(hn::Mul(half_height, steepness), hn::Sub(one, hn::Mul(bend, bend)));
      // psi - v psi', with v and floor(v) taken together where they are large
      const Floats inside =
          hn::Sub(hn::Add(hn::Mul(floor, hn::Sub(one, slope)), hn::Add(hn::Mul(half_height, bend), half)),
                  hn::Mul(hn::Sub(v, floor), slope));
      const auto below = hn::Le(v, low), above = hn::Ge(v, high), beyond = hn::Or(below, above);
      hn::Store(hn::Mul(g, hn::IfThenElse(below, low, hn::IfThenElse(above, high, inside))), d, of_scale + i);
      if (data.out[0] != nullptr) hn::StoreU(hn::IfThenZeroElse(beyond, hn::Mul(g, slope)), d, data.out[0] + i);
    }
    add_block(data.scale_sums, of_scale);
  }
};

void StairBackward(const StepGrid &grid, const Stair &stair, Grouping g, const float *x, const float *dy, float *dx,
                   PartialSums *sums) {
  over_groups(Backward{grid, stair}, grid, g, Data<Backward>{{x, dy}, {dx}}, sums, nullptr);
}

}  // namespace
}  // namespace halftone::trainer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <optional>

namespace halftone::trainer {

HWY_EXPORT(StairBackward);

void stair_backward(const StepGrid &grid, const Stair &stair, Grouping grouping, const float *x, const float *dy,
                    float *dx, double *scales) {
  const Grouping g = merged(grouping);
  std::optional<PartialSums> sums;
  if (scales != nullptr) sums.emplace(g);
  HWY_DYNAMIC_DISPATCH(StairBackward)(grid, stair, g, x, dy, dx, sums ? &*sums : nullptr);
  if (!sums) return;
  for (std::size_t group = 0; group < g.groups; ++group) scales[group] += sums->total(group);
}

}  // namespace halftone::trainer
#endif
