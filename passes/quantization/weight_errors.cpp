#include <algorithm>
#include <array>

#include "weight_error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "passes/quantization/weight_errors.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace halftone::passes::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using FloatTag = hn::CappedTag<float, kErrorLanes>;
using Floats = hn::Vec<FloatTag>;

// Adds the lanes, in double.
HWY_INLINE void add_to(double *sums, Floats lanes) {
  const FloatTag d;
  HWY_ALIGN float single[hn::MaxLanes(d)];
  hn::Store(lanes, d, single);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) sums[i] += static_cast<double>(single[i]);
}

// The sums of d^2 and of d in steps, a scale in each lane.
HWY_INLINE void add_chunk(const float *weights, std::size_t count, Floats inverse, const WeightCodes &codes,
                          double *squares, double *plain) {
  const FloatTag d;
  const Floats least = hn::Set(d, codes.least), most = hn::Set(d, codes.most), no_fraction = hn::Set(d, kNoFraction);
  for (std::size_t lane = 0; lane < std::min(kErrorLanes, count); ++lane) {
    Floats square = hn::Zero(d), sum = hn::Zero(d);
    for (std::size_t i = lane; i < count; i += kErrorLanes) {
      const Floats exact = hn::Mul(hn::Set(d, weights[i]), inverse);
      const Floats code = hn::Min(hn::Max(exact, least), most);
      const Floats moved = hn::Sub(hn::Sub(hn::Add(code, no_fraction), no_fraction), exact);
      square = hn::Add(square, hn::Mul(moved, moved));
      sum = hn::Add(sum, moved);
    }
    add_to(squares, square);
    add_to(plain, sum);
  }
}

void SumsOfSteps(const float *weights, std::size_t count, const float *scales, const WeightCodes &codes,
                 double *squares, double *plain) {
  const FloatTag d;
  std::fill_n(squares, kErrorLanes, 0.0);
  std::fill_n(plain, kErrorLanes, 0.0);
  for (std::size_t s = 0; s < kErrorLanes; s += hn::Lanes(d)) {
    const Floats inverse = hn::Div(hn::Set(d, 1.0F), hn::LoadU(d, scales + s));
    for (std::size_t i = 0; i < count; i += kErrorChunk) {
      add_chunk(weights + i, std::min(kErrorChunk, count - i), inverse, codes, squares + s, plain + s);
    }
  }
}

}  // namespace
}  // namespace halftone::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halftone::passes {

HWY_EXPORT(SumsOfSteps);

void weight_errors(std::span<const float> weights, std::span<const float> scales, const WeightCodes &codes,
                   double mean_to_variance, std::span<double> errors) {
  std::array<float, kErrorLanes> group;
  std::array<double, kErrorLanes> squares, plain;
  for (std::size_t first = 0; first < scales.size(); first += kErrorLanes) {
    const std::span<const float> some = scales.subspan(first, std::min(kErrorLanes, scales.size() - first));
    group.fill(some.front());
    std::copy(some.begin(), some.end(), group.begin());
    HWY_DYNAMIC_DISPATCH(SumsOfSteps)
    (weights.data(), weights.size(), group.data(), codes, squares.data(), plain.data());
    for (std::size_t i = 0; i < some.size(); ++i) {
      const double step = static_cast<double>(some[i]);
      errors[first + i] = (squares[i] + mean_to_variance * plain[i] * plain[i]) * step * step;
    }
  }
}

}  // namespace halftone::passes
#endif
