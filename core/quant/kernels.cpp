#include "core/quant/kernels.h"

#include "core/quant/float8.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/quant/kernels.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace halftone::quant::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using FloatTag = hn::ScalableTag<float>;
using IntTag = hn::RebindToSigned<FloatTag>;
using Floats = hn::Vec<FloatTag>;

// ---- rounders: the operations of rounding.h, lane by lane

// `nearest` moved by one when the distance crosses a half.
HWY_INLINE Floats half_up(Floats x) {
  const FloatTag d;
  const Floats below = hn::Floor(x);
  return hn::IfThenElse(hn::Ge(hn::Sub(x, below), hn::Set(d, 0.5F)), hn::Add(below, hn::Set(d, 1.0F)), below);
}

template <std::uint32_t kRounding>
struct IntegerRounder {
  HWY_INLINE Floats operator()(Floats x) const {
    const FloatTag d;
    const Floats half = hn::Set(d, 0.5F);
    const Floats one = hn::Set(d, 1.0F);
    if constexpr (kRounding == HT_ROUND_HALF_UP) return half_up(x);
    if constexpr (kRounding == HT_ROUND_HALF_DOWN) {
      const Floats above = hn::Ceil(x);
      return hn::IfThenElse(hn::Ge(hn::Sub(above, x), half), hn::Sub(above, one), above);
    }
    if constexpr (kRounding == HT_ROUND_HALF_TOWARD_ZERO) {
      const Floats size = hn::Abs(x);
      const Floats below = hn::Floor(size);
      return hn::CopySign(hn::IfThenElse(hn::Gt(hn::Sub(size, below), half), hn::Add(below, one), below), x);
    }
    if constexpr (kRounding == HT_ROUND_HALF_AWAY_FROM_ZERO) return hn::CopySign(half_up(hn::Abs(x)), x);
    if constexpr (kRounding == HT_ROUND_UP) return hn::Ceil(x);
    if constexpr (kRounding == HT_ROUND_DOWN) return hn::Floor(x);
    return hn::Round(x);
  }
};

// Adding and subtracting a power of two whose last place is one unit of x's binade rounds x half to even to whole
// units.
struct Float8Rounder {
  const Float8Format &format;

  HWY_INLINE Floats operator()(Floats x) const {
    const FloatTag d;
    const IntTag di;
    const Floats maximum = hn::Set(d, format.maximum);
    const Floats size = hn::Abs(x);
    const Floats bounded = hn::IfThenElse(hn::Gt(size, maximum), maximum, size);
    const auto exponent = hn::And(hn::BitCast(di, bounded), hn::Set(di, 0x7F800000));
    const auto binade = hn::Max(exponent, hn::Set(di, (format.minimum_exponent + 127) << 23));
    const Floats magic = hn::BitCast(d, hn::Add(binade, hn::Set(di, (23 - format.mantissa_bits) << 23)));
    const Floats rounded = hn::Sub(hn::Add(bounded, magic), magic);
    // NaN went through an arbitrary exponent, and is still NaN: NaN + magic - magic.
    return hn::CopySign(rounded, x);
  }
};

// ---- what an element is quantized with

struct Grid {
  Floats scale, zero, low, high;  // low and high count from the zero point
};

HWY_INLINE Grid make_grid(Floats scale, Floats zero, const ht_quantizer &q) {
  const FloatTag d;
  return {scale, zero, hn::Sub(hn::Set(d, static_cast<float>(q.quant_min)), zero),
          hn::Sub(hn::Set(d, static_cast<float>(q.quant_max)), zero)};
}

HWY_INLINE Grid uniform_grid(const Entries &entries, const ht_quantizer &q) {
  const FloatTag d;
  const float zero = entries.zero_points == nullptr ? 0.0F : static_cast<float>(*entries.zero_points);
  return make_grid(hn::Set(d, *entries.scales), hn::Set(d, zero), q);
}

HWY_INLINE Grid load_grid(const float *scales, const std::int32_t *zero_points, const ht_quantizer &q) {
  const FloatTag d;
  const IntTag di;
  return make_grid(hn::LoadU(d, scales), hn::ConvertTo(d, hn::LoadU(di, zero_points)), q);
}

template <class Rounder>
HWY_INLINE Floats steps(Floats x, const Grid &grid, const Rounder &rounder) {
  const FloatTag d;
  const Floats rounded = rounder(hn::Div(x, grid.scale));
  const Floats floored = hn::IfThenElse(hn::Lt(rounded, grid.low), grid.low, rounded);
  const Floats clamped = hn::IfThenElse(hn::Gt(floored, grid.high), grid.high, floored);
  return hn::Add(clamped, hn::Zero(d));  // -0 becomes +0
}

template <class Rounder>
struct FakeStep {
  using Out = float;
  Rounder rounder;
  HWY_INLINE Floats operator()(Floats x, const Grid &grid) const {
    return hn::Mul(steps(x, grid, rounder), grid.scale);
  }
};

struct Float8Step {
  using Out = float;
  Float8Rounder rounder;
  HWY_INLINE Floats operator()(Floats x, const Grid &grid) const {
    return hn::Mul(rounder(hn::Div(x, grid.scale)), grid.scale);
  }
};

template <class Rounder>
struct QuantizeStep {
  using Out = std::int32_t;
  Rounder rounder;
  HWY_INLINE hn::Vec<IntTag> operator()(Floats x, const Grid &grid) const {
    const Floats moved = steps(x, grid, rounder);
    const Floats known = hn::IfThenElseZero(hn::Eq(moved, moved), moved);  // NaN gives the zero point
    return hn::ConvertTo(IntTag(), hn::Add(known, grid.zero));
  }
};

// The last few elements go through one vector of padding, so that they meet the same instructions as the rest.
template <class Step>
void run_tail(const float *in, typename Step::Out *out, std::size_t count, const Entries &entries,
              const ht_quantizer &q, const Step &step) {
  const FloatTag d;
  HWY_ALIGN float x[hn::MaxLanes(d)] = {};
  HWY_ALIGN typename Step::Out y[hn::MaxLanes(d)];
  for (std::size_t i = 0; i < count; ++i) x[i] = in[i];
  const hn::Rebind<typename Step::Out, FloatTag> d_out;
  if (entries.varying) {
    HWY_ALIGN float scales[hn::MaxLanes(d)];
    HWY_ALIGN std::int32_t zero_points[hn::MaxLanes(d)] = {};
    for (std::size_t i = 0; i < hn::MaxLanes(d); ++i) scales[i] = i < count ? entries.scales[i] : 1.0F;
    if (entries.zero_points != nullptr) {
      for (std::size_t i = 0; i < count; ++i) zero_points[i] = entries.zero_points[i];
    }
    hn::StoreU(step(hn::LoadU(d, x), load_grid(scales, zero_points, q)), d_out, y);
  } else {
    hn::StoreU(step(hn::LoadU(d, x), uniform_grid(entries, q)), d_out, y);
  }
  for (std::size_t i = 0; i < count; ++i) out[i] = y[i];
}

template <class Step>
void run(const float *in, typename Step::Out *out, std::size_t count, const Entries &entries, const ht_quantizer &q,
         const Step &step) {
  const FloatTag d;
  const hn::Rebind<typename Step::Out, FloatTag> d_out;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  if (!entries.varying) {
    const Grid grid = uniform_grid(entries, q);
    for (; i + lanes <= count; i += lanes) hn::StoreU(step(hn::LoadU(d, in + i), grid), d_out, out + i);
  } else if (entries.zero_points != nullptr) {
    for (; i + lanes <= count; i += lanes) {
      const Grid grid = load_grid(entries.scales + i, entries.zero_points + i, q);
      hn::StoreU(step(hn::LoadU(d, in + i), grid), d_out, out + i);
    }
  } else {
    for (; i + lanes <= count; i += lanes) {
      const Grid grid = make_grid(hn::LoadU(d, entries.scales + i), hn::Zero(d), q);
      hn::StoreU(step(hn::LoadU(d, in + i), grid), d_out, out + i);
    }
  }
  if (i == count) return;
  Entries rest = entries;
  if (rest.varying) rest.scales += i;
  if (rest.varying && rest.zero_points != nullptr) rest.zero_points += i;
  run_tail(in + i, out + i, count - i, rest, q, step);
}

// Calls f with the rounder of the quantizer.
template <class F>
void with_rounder(std::uint32_t rounding, const F &f) {
  switch (rounding) {
    case HT_ROUND_HALF_UP:
      return f(IntegerRounder<HT_ROUND_HALF_UP>());
    case HT_ROUND_HALF_DOWN:
      return f(IntegerRounder<HT_ROUND_HALF_DOWN>());
    case HT_ROUND_HALF_TOWARD_ZERO:
      return f(IntegerRounder<HT_ROUND_HALF_TOWARD_ZERO>());
    case HT_ROUND_HALF_AWAY_FROM_ZERO:
      return f(IntegerRounder<HT_ROUND_HALF_AWAY_FROM_ZERO>());
    case HT_ROUND_UP:
      return f(IntegerRounder<HT_ROUND_UP>());
    case HT_ROUND_DOWN:
      return f(IntegerRounder<HT_ROUND_DOWN>());
    default:
      return f(IntegerRounder<HT_ROUND_HALF_EVEN>());
  }
}

struct FakeRun {
  const float *in;
  float *out;
  std::size_t count;
  const Entries &entries;
  const ht_quantizer &q;
  template <class Rounder>
  void operator()(Rounder rounder) const {
    run(in, out, count, entries, q, FakeStep<Rounder>{rounder});
  }
};

struct QuantizeRun {
  const float *in;
  std::int32_t *out;
  std::size_t count;
  const Entries &entries;
  const ht_quantizer &q;
  template <class Rounder>
  void operator()(Rounder rounder) const {
    run(in, out, count, entries, q, QuantizeStep<Rounder>{rounder});
  }
};

void FakeQuantizeRun(const float *in, float *out, std::size_t count, const Entries &entries, const ht_quantizer &q) {
  if (is_float8(q.kind)) {
    Entries scales_only = entries;
    scales_only.zero_points = nullptr;
    run(in, out, count, scales_only, q, Float8Step{{float8_format(q.kind)}});
  } else {
    with_rounder(q.rounding, FakeRun{in, out, count, entries, q});
  }
}

void QuantizeRunAll(const float *in, std::int32_t *out, std::size_t count, const Entries &entries,
                    const ht_quantizer &q) {
  with_rounder(q.rounding, QuantizeRun{in, out, count, entries, q});
}

}  // namespace
}  // namespace halftone::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halftone::quant {

HWY_EXPORT(FakeQuantizeRun);
HWY_EXPORT(QuantizeRunAll);

void fake_quantize_run(const float *in, float *out, std::size_t count, const Entries &entries,
                       const ht_quantizer &quantizer) {
  HWY_DYNAMIC_DISPATCH(FakeQuantizeRun)(in, out, count, entries, quantizer);
}

void quantize_run(const float *in, std::int32_t *out, std::size_t count, const Entries &entries,
                  const ht_quantizer &quantizer) {
  HWY_DYNAMIC_DISPATCH(QuantizeRunAll)(in, out, count, entries, quantizer);
}

}  // namespace halftone::quant
#endif
