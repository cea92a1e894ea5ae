#include "code_products.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "passes/correction/code_products.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace halftone::passes::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
constexpr std::size_t kPanel = 32, kColumns = 4;
using Lanes = hn::CappedTag<std::int32_t, kPanel / 2>;
using Vector = hn::Vec<Lanes>;

// sum + the products of both halves of each lane.
HWY_INLINE Vector add_products(Vector a, Vector b, Vector sum) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128 && HWY_TARGET != HWY_SCALAR
  const hn::Repartition<std::int16_t, Lanes> halves;
  Vector unused = hn::Zero(Lanes());
  return hn::ReorderWidenMulAccumulate(Lanes(), hn::BitCast(halves, a), hn::BitCast(halves, b), sum, unused);
#else  // elsewhere it leaves the sums in other lanes
  const auto low = [](Vector x) { return hn::ShiftRight<16>(hn::ShiftLeft<16>(x)); };
  const Vector upper = hn::Mul(hn::ShiftRight<16>(a), hn::ShiftRight<16>(b));
  return hn::Add(sum, hn::Add(hn::Mul(low(a), low(b)), upper));
#endif
}

// Two vectors of rows from `a` by four rows of `b`.
HWY_INLINE void sum_tile(const std::int32_t *HWY_RESTRICT a, const std::int32_t *HWY_RESTRICT b, std::size_t pairs,
                         std::int32_t *HWY_RESTRICT sums) {
  const Lanes d;
  const std::size_t lanes = hn::Lanes(d);
  auto s00 = hn::Zero(d), s01 = s00, s02 = s00, s03 = s00, s10 = s00, s11 = s00, s12 = s00, s13 = s00;
  for (std::size_t p = 0; p < pairs; ++p, a += kPanel, b += kPanel) {
    const Vector a0 = hn::LoadU(d, a), a1 = hn::LoadU(d, a + lanes);
    const Vector b0 = hn::Set(d, b[0]), b1 = hn::Set(d, b[1]), b2 = hn::Set(d, b[2]), b3 = hn::Set(d, b[3]);
    s00 = add_products(a0, b0, s00), s10 = add_products(a1, b0, s10);
    s01 = add_products(a0, b1, s01), s11 = add_products(a1, b1, s11);
    s02 = add_products(a0, b2, s02), s12 = add_products(a1, b2, s12);
    s03 = add_products(a0, b3, s03), s13 = add_products(a1, b3, s13);
  }
  hn::StoreU(s00, d, sums), hn::StoreU(s10, d, sums + lanes);
  hn::StoreU(s01, d, sums + kPanel), hn::StoreU(s11, d, sums + kPanel + lanes);
  hn::StoreU(s02, d, sums + 2 * kPanel), hn::StoreU(s12, d, sums + 2 * kPanel + lanes);
  hn::StoreU(s03, d, sums + 3 * kPanel), hn::StoreU(s13, d, sums + 3 * kPanel + lanes);
}

void SumProducts(const std::int32_t *a, const std::int32_t *b, std::size_t pairs, std::size_t columns,
                 std::int32_t *sums) {
  const std::size_t rows = 2 * hn::Lanes(Lanes());
  for (std::size_t c = 0; c < columns; c += kColumns) {
    for (std::size_t r = 0; r < kPanel; r += rows) sum_tile(a + r, b + c, pairs, sums + c * kPanel + r);
  }
}

}  // namespace
}  // namespace halftone::passes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halftone::passes {

HWY_EXPORT(SumProducts);

void sum_products(const std::int32_t *a, const std::int32_t *b, std::size_t pairs, std::size_t columns,
                  std::int32_t *sums) {
  HWY_DYNAMIC_DISPATCH(SumProducts)(a, b, pairs, columns, sums);
}

}  // namespace halftone::passes
#endif  // HWY_ONCE
