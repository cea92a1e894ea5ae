#include "sums.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sums.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace halftone::trainer::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE void sum_parts(D d, std::span<const float *const> parts, float *to, std::size_t i) {
  auto sum = hn::Zero(d);
  for (const float *part : parts) sum = hn::Add(sum, hn::LoadU(d, part + i));
  hn::StoreU(sum, d, to + i);
}

void SumInOrder(std::span<const float *const> parts, float *to, std::size_t n) {
  const hn::ScalableTag<float> wide;
  const hn::CappedTag<float, 1> one;
  std::size_t i = 0;
  for (; i + hn::Lanes(wide) <= n; i += hn::Lanes(wide)) sum_parts(wide, parts, to, i);
  for (; i < n; ++i) sum_parts(one, parts, to, i);
}

// Some neighbouring columns. Four sums run beside each other, for an addition takes several cycles.
template <class D>
HWY_INLINE void sum_columns(D d, const float *x, std::size_t rows, std::size_t columns, float *to) {
  constexpr std::size_t kBlock = 256;
  auto total = hn::Zero(d);
  for (std::size_t first = 0; first < rows; first += kBlock) {
    const std::size_t last = rows - first < kBlock ? rows : first + kBlock;
    auto a = hn::Zero(d), b = a, c = a, e = a;
    std::size_t r = first;
    for (; r + 4 <= last; r += 4) {
      const float *p = x + r * columns;
      a = hn::Add(a, hn::LoadU(d, p));
      b = hn::Add(b, hn::LoadU(d, p + columns));
      c = hn::Add(c, hn::LoadU(d, p + 2 * columns));
      e = hn::Add(e, hn::LoadU(d, p + 3 * columns));
    }
    for (; r < last; ++r) a = hn::Add(a, hn::LoadU(d, x + r * columns));
    total = hn::Add(total, hn::Add(hn::Add(a, b), hn::Add(c, e)));
  }
  hn::StoreU(total, d, to);
}

template <std::size_t kLanes>
HWY_INLINE std::size_t sum_while_it_fits(const float *x, std::size_t rows, std::size_t columns, float *to,
                                         std::size_t at) {
  const hn::CappedTag<float, kLanes> d;
  for (; at + hn::Lanes(d) <= columns; at += hn::Lanes(d)) sum_columns(d, x + at, rows, columns, to + at);
  return at;
}

void SumOfRows(const float *x, std::size_t rows, std::size_t columns, float *to) {
  std::size_t at = sum_while_it_fits<16>(x, rows, columns, to, 0);
  at = sum_while_it_fits<8>(x, rows, columns, to, at);
  at = sum_while_it_fits<4>(x, rows, columns, to, at);
  sum_while_it_fits<1>(x, rows, columns, to, at);
}

}  // namespace
}  // namespace halftone::trainer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halftone::trainer {

HWY_EXPORT(SumInOrder);
HWY_EXPORT(SumOfRows);

void sum_in_order(std::span<const float *const> parts, float *to, std::size_t n) {
  HWY_DYNAMIC_DISPATCH(SumInOrder)(parts, to, n);
}
void sum_of_rows(const float *x, std::size_t rows, std::size_t columns, float *to) {
  HWY_DYNAMIC_DISPATCH(SumOfRows)(x, rows, columns, to);
}

}  // namespace halftone::trainer
#endif
