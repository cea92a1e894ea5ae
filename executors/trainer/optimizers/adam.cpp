#include "adam.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "adam.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace halftone::trainer::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE void step_lanes(D d, const AdamTerms &t, const float *gradients, float *first, float *second,
                           float *values) {
  const auto value = hn::LoadU(d, values);
  const auto g = hn::Add(hn::LoadU(d, gradients), hn::Mul(hn::Set(d, t.decay), value));
  const auto m = hn::Add(hn::Mul(hn::Set(d, t.beta1), hn::LoadU(d, first)), hn::Mul(hn::Set(d, 1.0F - t.beta1), g));
  const auto v =
      hn::Add(hn::Mul(hn::Set(d, t.beta2), hn::LoadU(d, second)), hn::Mul(hn::Set(d, 1.0F - t.beta2), hn::Mul(g, g)));
  const auto size = hn::Add(hn::Div(hn::Sqrt(v), hn::Set(d, t.root)), hn::Set(d, t.epsilon));
  hn::StoreU(m, d, first);
  hn::StoreU(v, d, second);
  hn::StoreU(hn::Sub(value, hn::Div(hn::Mul(hn::Set(d, t.rate), m), size)), d, values);
}

void AdamStep(const AdamTerms &terms, const float *gradients, float *first, float *second, float *values,
              std::size_t n) {
  const hn::ScalableTag<float> wide;
  const hn::CappedTag<float, 1> one;
  std::size_t i = 0;
  for (; i + hn::Lanes(wide) <= n; i += hn::Lanes(wide)) {
    step_lanes(wide, terms, gradients + i, first + i, second + i, values + i);
  }
  for (; i < n; ++i) step_lanes(one, terms, gradients + i, first + i, second + i, values + i);
}

}  // namespace
}  // namespace halftone::trainer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halftone::trainer {

HWY_EXPORT(AdamStep);

void adam_step(const AdamTerms &terms, const float *gradients, float *first, float *second, float *values,
               std::size_t n) {
  HWY_DYNAMIC_DISPATCH(AdamStep)(terms, gradients, first, second, values, n);
}

}  // namespace halftone::trainer
#endif
