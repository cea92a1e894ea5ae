#include "widen.h"

#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "onednn/integer/widen.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace halftone::onednn::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <typename Byte>
HWY_INLINE void widen(const Byte *from, std::int32_t zero, std::int16_t *to, std::size_t count) {
  const hn::ScalableTag<std::int16_t> d;
  const hn::Rebind<Byte, decltype(d)> dn;
  const auto z = hn::Set(d, static_cast<std::int16_t>(zero));
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(hn::Sub(hn::PromoteTo(d, hn::LoadU(dn, from + i)), z), d, to + i);
  for (; i < count; ++i) to[i] = static_cast<std::int16_t>(from[i] - zero);
}

void WidenUnsigned(const std::uint8_t *from, std::int32_t zero, std::int16_t *to, std::size_t count) {
  widen(from, zero, to, count);
}
void WidenSigned(const std::int8_t *from, std::int32_t zero, std::int16_t *to, std::size_t count) {
  widen(from, zero, to, count);
}

void LiftOf(const std::uint8_t *from, std::uint8_t *to, std::size_t count) {
  const hn::ScalableTag<std::uint8_t> d;
  const auto sign = hn::Set(d, std::uint8_t{128});
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(hn::Xor(hn::LoadU(d, from + i), sign), d, to + i);
  for (; i < count; ++i) to[i] = from[i] ^ 128U;
}

template <typename Byte>
HWY_INLINE void add(const Byte *codes, std::int32_t *sums, std::size_t count) {
  const hn::ScalableTag<std::int32_t> d;
  const hn::Rebind<Byte, decltype(d)> dn;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(hn::Add(hn::LoadU(d, sums + i), hn::PromoteTo(d, hn::LoadU(dn, codes + i))), d, sums + i);
  for (; i < count; ++i) sums[i] += codes[i];
}
void AddUnsigned(const std::uint8_t *codes, std::int32_t *sums, std::size_t count) {
  add(codes, sums, count);
}
void AddSigned(const std::int8_t *codes, std::int32_t *sums, std::size_t count) {
  add(codes, sums, count);
}

}  // namespace halftone::onednn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halftone::onednn {

HWY_EXPORT(WidenUnsigned);
HWY_EXPORT(WidenSigned);
HWY_EXPORT(LiftOf);
HWY_EXPORT(AddUnsigned);
HWY_EXPORT(AddSigned);

void widen_codes(const std::uint8_t *from, bool is_signed, std::int32_t zero, std::int16_t *to, std::size_t count) {
  if (is_signed) return HWY_DYNAMIC_DISPATCH(WidenSigned)(reinterpret_cast<const std::int8_t *>(from), zero, to, count);
  HWY_DYNAMIC_DISPATCH(WidenUnsigned)(from, zero, to, count);
}

void lift_codes(const std::uint8_t *from, std::uint8_t *to, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(LiftOf)(from, to, count);
}

void add_codes(const std::uint8_t *codes, bool is_signed, std::int32_t *sums, std::size_t count) {
  if (is_signed) return HWY_DYNAMIC_DISPATCH(AddSigned)(reinterpret_cast<const std::int8_t *>(codes), sums, count);
  HWY_DYNAMIC_DISPATCH(AddUnsigned)(codes, sums, count);
}

void Operand::map(const ht_tensor_view &codes, std::int64_t first, std::int64_t count, std::uint8_t *to) const {
  const auto n = static_cast<std::size_t>(count);
  auto *words = reinterpret_cast<std::int16_t *>(to);
  if (codes.dtype == HT_U8 || codes.dtype == HT_I8) {
    const auto *from = static_cast<const std::uint8_t *>(codes.data) + first;
    if (!bytes) return widen_codes(from, codes.dtype == HT_I8, format.zero, words, n);
    if (codes.dtype == HT_I8) return lift_codes(from, to, n);
    std::memcpy(to, from, n);
    return;
  }
  const auto differences = [&]<typename Code>(const Code *from) {
    for (std::size_t i = 0; i < n; ++i) words[i] = static_cast<std::int16_t>(from[i] - format.zero);
  };
  if (codes.dtype == HT_I16) return differences(static_cast<const std::int16_t *>(codes.data) + first);
  differences(static_cast<const std::uint16_t *>(codes.data) + first);
}

void Operand::zeros(std::uint8_t *to, std::size_t count) const {
  std::memset(to, bytes ? byte_zero() : 0, count * width());
}

}  // namespace halftone::onednn
#endif
