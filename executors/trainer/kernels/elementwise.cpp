#include "elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "elementwise.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace halftone::trainer::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// f(tag, i) for whole vectors, and for what is left one by one.
template <class F>
HWY_INLINE void for_all(std::size_t n, const F &f) {
  const hn::ScalableTag<float> wide;
  const hn::CappedTag<float, 1> one;
  std::size_t i = 0;
  for (; i + hn::Lanes(wide) <= n; i += hn::Lanes(wide)) f(wide, i);
  for (; i < n; ++i) f(one, i);
}

void Relu(const float *x, float *to, std::size_t n) {
  for_all(n, [=](auto d, std::size_t i) {
    const auto v = hn::LoadU(d, x + i);
    hn::StoreU(hn::IfThenZeroElse(hn::Lt(v, hn::Zero(d)), v), d, to + i);
  });
}

void ReluGradient(const float *y, const float *dy, float *to, std::size_t n) {
  for_all(n, [=](auto d, std::size_t i) {
    const auto passes = hn::Gt(hn::LoadU(d, y + i), hn::Zero(d));
    hn::StoreU(hn::IfThenElseZero(passes, hn::LoadU(d, dy + i)), d, to + i);
  });
}

void Clip(const float *x, float low, float high, float *to, std::size_t n) {
  for_all(n, [=](auto d, std::size_t i) {
    const auto least = hn::Set(d, low), most = hn::Set(d, high);
    const auto v = hn::LoadU(d, x + i);
    const auto above = hn::IfThenElse(hn::Lt(v, least), least, v);
    hn::StoreU(hn::IfThenElse(hn::Gt(above, most), most, above), d, to + i);
  });
}

void ClipGradient(const float *x, float low, float high, const float *dy, float *to, std::size_t n) {
  for_all(n, [=](auto d, std::size_t i) {
    const auto v = hn::LoadU(d, x + i);
    const auto passes = hn::And(hn::Ge(v, hn::Set(d, low)), hn::Le(v, hn::Set(d, high)));
    hn::StoreU(hn::IfThenElseZero(passes, hn::LoadU(d, dy + i)), d, to + i);
  });
}

void Add(const float *a, const float *b, float *to, std::size_t n) {
  for_all(n, [=](auto d, std::size_t i) { hn::StoreU(hn::Add(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, to + i); });
}

}  // namespace
}  // namespace halftone::trainer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halftone::trainer {

HWY_EXPORT(Relu);
HWY_EXPORT(ReluGradient);
HWY_EXPORT(Clip);
HWY_EXPORT(ClipGradient);
HWY_EXPORT(Add);

void relu(const float *x, float *to, std::size_t n) {
  HWY_DYNAMIC_DISPATCH(Relu)(x, to, n);
}
void relu_gradient(const float *y, const float *dy, float *to, std::size_t n) {
  HWY_DYNAMIC_DISPATCH(ReluGradient)(y, dy, to, n);
}
void clip(const float *x, float low, float high, float *to, std::size_t n) {
  HWY_DYNAMIC_DISPATCH(Clip)(x, low, high, to, n);
}
void clip_gradient(const float *x, float low, float high, const float *dy, float *to, std::size_t n) {
  HWY_DYNAMIC_DISPATCH(ClipGradient)(x, low, high, dy, to, n);
}
void add(const float *a, const float *b, float *to, std::size_t n) {
  HWY_DYNAMIC_DISPATCH(Add)(a, b, to, n);
}

}  // namespace halftone::trainer
#endif
