#include "lookup.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "onednn/integer/lookup.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace halftone::onednn::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// What a vector of bytes picks, and how many bytes that is.
struct Picker {
  const std::uint8_t *table;

#if HWY_TARGET == HWY_AVX3_DL
  static constexpr std::size_t kCount = 64;
  // Two vectors are 128 entries; bit 7 says which of the halves counts.
  HWY_INLINE void pick(const std::uint8_t *from, std::uint8_t *to) const {
    const hn::FixedTag<std::uint8_t, 64> d;
    const hn::RebindToSigned<decltype(d)> di;
    const auto at = hn::LoadU(d, from);
    auto low = at, high = at;
    const auto a = hn::LoadU(d, table), b = hn::LoadU(d, table + 64), e = hn::LoadU(d, table + 128),
               f = hn::LoadU(d, table + 192);
    __asm__("vpermi2b %2, %1, %0" : "+v"(low.raw) : "v"(a.raw), "v"(b.raw));
    __asm__("vpermi2b %2, %1, %0" : "+v"(high.raw) : "v"(e.raw), "v"(f.raw));
    hn::StoreU(hn::IfThenElse(hn::RebindMask(d, hn::Lt(hn::BitCast(di, at), hn::Zero(di))), high, low), d, to);
  }
#elif HWY_TARGET != HWY_SCALAR
  static constexpr std::size_t kCount = HWY_LANES(std::uint8_t);
  // Sixteen entries at a time: an index of others has bit 7 set, which gives 0.
  HWY_INLINE void pick(const std::uint8_t *from, std::uint8_t *to) const {
    const hn::ScalableTag<std::uint8_t> d;
    const auto at = hn::LoadU(d, from), most = hn::Set(d, std::uint8_t{0x70});
    auto out = hn::Zero(d);
    for (std::size_t i = 0; i < 16; ++i) {
      const auto part = hn::LoadDup128(d, table + 16 * i);
      const auto index = hn::SaturatedAdd(hn::Xor(at, hn::Set(d, static_cast<std::uint8_t>(16 * i))), most);
      out = hn::Or(out, hn::TableLookupBytesOr0(part, index));
    }
    hn::StoreU(out, d, to);
  }
#else
  static constexpr std::size_t kCount = 1;
  void pick(const std::uint8_t *from, std::uint8_t *to) const {
    *to = table[*from];
  }
#endif
};

void LookUpOf(const std::uint8_t *table, const std::uint8_t *from, std::uint8_t *to, std::size_t count) {
  const Picker picker{table};
  std::size_t i = 0;
  for (; i + Picker::kCount <= count; i += Picker::kCount) picker.pick(from + i, to + i);
  for (; i < count; ++i) to[i] = table[from[i]];
}

}  // namespace halftone::onednn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halftone::onednn {

HWY_EXPORT(LookUpOf);

void look_up(const ByteTable &table, const std::uint8_t *from, std::uint8_t *to, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(LookUpOf)(table.data(), from, to, count);
}

ByteTable byte_table(const integer::Format &from, const integer::Tensor &table) {
  ByteTable out{};
  for (std::int32_t code = from.low; code <= from.high; ++code)
    out[static_cast<std::uint8_t>(code)] = table.data<std::uint8_t>()[code - from.low];
  return out;
}

}  // namespace halftone::onednn
#endif
