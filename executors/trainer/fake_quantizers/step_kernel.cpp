#include "step_kernel.h"

#include "partial_sums.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "step_kernel.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

#include "blocks-inl.h"

HWY_BEFORE_NAMESPACE();
namespace halftone::trainer::HWY_NAMESPACE {
namespace {

// Lanes whose bit is set, of the vector that begins at place i of a block.
HWY_INLINE hn::Mask<FloatTag> lanes_of(std::uint32_t bits, std::size_t i) {
  const FloatTag d;
  const hn::RebindToUnsigned<FloatTag> du;
  const auto own = hn::Shl(hn::Set(du, 1U), hn::Iota(du, static_cast<std::uint32_t>(i)));
  const auto chosen = hn::And(hn::Set(du, bits), own);
  return hn::RebindMask(d, hn::Eq(chosen, own));
}

template <class Round>
struct Forward {
  static constexpr std::size_t kIn = 1, kOut = 1;
  static constexpr bool kAdds = false;
  const StepGrid &grid;
  const DropMask *kept;
  Round round;

  template <bool kVarying>
  HWY_INLINE void operator()(Line<kVarying> line, const Data<Forward> &data) const {
    const FloatTag d;
    const Floats least = hn::Set(d, grid.quant_min), most = hn::Set(d, grid.quant_max);
    const std::uint32_t bits = kept == nullptr ? 0 : kept->bits(data.at);
    for (std::size_t i = 0; i < kBlock; i += hn::Lanes(d)) {
      const Floats scale = line.scale(i), zero = line.zero(i);
      const Floats low = hn::Sub(least, zero), high = hn::Sub(most, zero);
      const Floats x = hn::LoadU(d, data.in[0] + i), rounded = round(hn::Div(x, scale));
      const Floats floored = hn::IfThenElse(hn::Lt(rounded, low), low, rounded);
      const Floats code = hn::IfThenElse(hn::Gt(floored, high), high, floored);
      const Floats quantized = hn::Mul(hn::Add(code, hn::Zero(d)), scale);  // -0 becomes +0
      const Floats y = kept == nullptr ? quantized : hn::IfThenElse(lanes_of(bits, i), quantized, x);
      hn::StoreU(y, d, data.out[0] + i);
    }
  }
};

// Inputs x and dy, output dx.
template <class Round>
struct Backward {
  static constexpr std::size_t kIn = 2, kOut = 1;
  static constexpr bool kAdds = false;
  const StepGrid &grid;
  const StepGradient &wanted;
  const DropMask *kept;
  Round round;

  template <bool kVarying>
  HWY_INLINE void operator()(Line<kVarying> line, const Data<Backward> &data) const {
    const FloatTag d;
    const Floats least = hn::Set(d, grid.quant_min), most = hn::Set(d, grid.quant_max);
    const std::uint32_t bits = kept == nullptr ? 0 : kept->bits(data.at);
    HWY_ALIGN float of_scale[kBlock];
    HWY_ALIGN float of_offset[kBlock];
    for (std::size_t i = 0; i < kBlock; i += hn::Lanes(d)) {
      const Floats zero = line.zero(i), low = hn::Sub(least, zero), high = hn::Sub(most, zero);
      const Floats v = hn::Div(hn::LoadU(d, data.in[0] + i), line.scale(i)), r = round(v),
                   all = hn::LoadU(d, data.in[1] + i);
      const auto own = lanes_of(bits, i);
      const Floats g = kept == nullptr ? all : hn::IfThenElseZero(own, all);
      const bool by_code = wanted.bounds == Bounds::kCode;
      const auto below = by_code ? hn::Lt(r, low) : hn::Le(v, low);
      const auto above = by_code ? hn::Gt(r, high) : hn::Ge(v, high);
      const auto beyond = hn::Or(below, above);
      const Floats error = wanted.counts_error ? hn::Sub(r, v) : hn::Zero(d);
      const Floats slope = hn::IfThenElse(below, low, hn::IfThenElse(above, high, error));
      hn::Store(hn::Mul(g, slope), d, of_scale + i);
      hn::Store(hn::IfThenElseZero(beyond, g), d, of_offset + i);
      if (data.out[0] == nullptr) continue;
      const Floats through = hn::IfThenZeroElse(beyond, g);
      hn::StoreU(kept == nullptr ? through : hn::IfThenElse(own, through, all), d, data.out[0] + i);
    }
    add_block(data.scale_sums, of_scale);
    add_block(data.offset_sums, of_offset);
  }
};

void StepsForward(const StepGrid &grid, Grouping grouping, const float *x, float *y, const DropMask *kept) {
  with_rounder(grid.rounding, [&](auto round) HWY_ATTR {
    using Kernel = Forward<decltype(round)>;
    over_groups(Kernel{grid, kept, round}, grid, grouping, Data<Kernel>{{x}, {y}}, nullptr, nullptr);
  });
}

void StepsBackward(const StepGrid &grid, Grouping grouping, const float *x, const float *dy, const StepGradient &wanted,
                   PartialSums *scale_sums, PartialSums *offset_sums) {
  with_rounder(grid.rounding, [&](auto round) HWY_ATTR {
    using Kernel = Backward<decltype(round)>;
    over_groups(Kernel{grid, wanted, wanted.kept, round}, grid, grouping, Data<Kernel>{{x, dy}, {wanted.dx}},
                scale_sums, offset_sums);
  });
}

}  // namespace
}  // namespace halftone::trainer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <optional>

namespace halftone::trainer {

HWY_EXPORT(StepsForward);
HWY_EXPORT(StepsBackward);

void steps_forward(const StepGrid &grid, Grouping grouping, const float *x, float *y, const DropMask *kept) {
  HWY_DYNAMIC_DISPATCH(StepsForward)(grid, merged(grouping), x, y, kept);
}

void steps_backward(const StepGrid &grid, Grouping grouping, const float *x, const float *dy,
                    const StepGradient &wanted) {
  const Grouping g = merged(grouping);
  std::optional<PartialSums> scale_sums, offset_sums;
  if (wanted.scales != nullptr) scale_sums.emplace(g);
  if (wanted.offsets != nullptr) offset_sums.emplace(g);
  HWY_DYNAMIC_DISPATCH(StepsBackward)
  (grid, g, x, dy, wanted, scale_sums ? &*scale_sums : nullptr, offset_sums ? &*offset_sums : nullptr);
  for (std::size_t group = 0; group < g.groups; ++group) {
    if (scale_sums) wanted.scales[group] += scale_sums->total(group);
    if (offset_sums) wanted.offsets[group] -= offset_sums->total(group) * static_cast<double>(grid.scales[group]);
  }
}

}  // namespace halftone::trainer
#endif
