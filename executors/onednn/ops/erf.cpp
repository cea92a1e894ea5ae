// Erf, which oneDNN has only inside its gelu.
#include <cstddef>

#include "../builder.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "onednn/ops/erf.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace halftone::onednn::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using FloatTag = hn::CappedTag<float, 16>;
using Floats = hn::Vec<FloatTag>;

// erf(x) = x * p(x*x) / q(x*x) up to kOne, from where on float32 knows no number between erf(x) and 1. The coefficients
// minimise the largest relative error (iteratively reweighted least squares at 4000 Chebyshev nodes): 5.4e-8, and
// 6 units in the last place once p and q are evaluated in float32.
constexpr float kOne = 3.93F;
constexpr float kP[] = {0x1.20dd74p+0F,  0x1.9b3f18p-3F,   0x1.9f3e46p-5F, 0x1.e9c5acp-9F,
                        0x1.2ad262p-13F, -0x1.067074p-19F, 0x1.546a38p-26F};
constexpr float kQ[] = {1.0F, 0x1.05c7bcp-1F, 0x1.d88496p-4F, 0x1.d8bbe0p-7F, 0x1.f958c4p-11F};

template <std::size_t kTerms>
HWY_INLINE Floats polynomial(const float (&coefficients)[kTerms], Floats z) {
  const FloatTag d;
  Floats sum = hn::Set(d, coefficients[kTerms - 1]);
  for (std::size_t i = kTerms - 1; i-- > 0;) sum = hn::MulAdd(sum, z, hn::Set(d, coefficients[i]));
  return sum;
}

HWY_INLINE Floats erf(Floats number) {
  const FloatTag d;
  const Floats x = hn::Clamp(number, hn::Set(d, -kOne), hn::Set(d, kOne));
  const Floats z = hn::Mul(x, x);
  const Floats y = hn::Div(hn::Mul(x, polynomial(kP, z)), polynomial(kQ, z));
  const Floats bounded = hn::Clamp(y, hn::Set(d, -1.0F), hn::Set(d, 1.0F));
  return hn::IfThenElse(hn::IsNaN(number), number, bounded);
}

}  // namespace

void ErfOf(const float *x, float *y, std::size_t count) {
  const FloatTag d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) hn::StoreU(erf(hn::LoadU(d, x + i)), d, y + i);
  for (; i < count; ++i) y[i] = hn::GetLane(erf(hn::Set(d, x[i])));
}

}  // namespace halftone::onednn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halftone::onednn {
namespace {

HWY_EXPORT(ErfOf);

class Erf final : public NativeOp {
 public:
  explicit Erf(const sdk::OpNode &) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    const int x = node.inputs[0];
    if (!b.is_available(x)) return false;
    const Placed source = b.current(x);  // what pads a layout is zero, and stays it
    const int target = b.writable(node, x, source) ? source.buffer : b.allocate(source.bytes());
    b.loop({source.buffer, target}, [from = source.buffer, target, count = source.bytes() / sizeof(float)](Run &run) {
      HWY_DYNAMIC_DISPATCH(ErfOf)
      (static_cast<const float *>(run.workspace.at(from)), static_cast<float *>(run.workspace.at(target)), count);
    });
    b.define(node.outputs[0], {source.desc, target});
    return true;
  }
};

const NativeEntry kErf("Erf", &make_native<Erf>);

}  // namespace
}  // namespace halftone::onednn
#endif
