#include "finish.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "onednn/integer/finish.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace halftone::onednn::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using FloatTag = hn::CappedTag<float, 16>;
using IntTag = hn::RebindToSigned<FloatTag>;
using Floats = hn::Vec<FloatTag>;

// round(x) within [low, high], plus zero, as bytes.
struct ToBytes {
  Floats low, high;
  std::int32_t zero;
  bool is_signed;

  // 16 of them, in one vector or in two of 8. `x(i)`: the vector from i on.
#if HWY_TARGET == HWY_AVX2
  static constexpr bool kSixteen = true;
  template <typename Vector>
  HWY_INLINE void store16(const Vector &x, std::size_t i, std::uint8_t *to) const {
    const __m256i words = _mm256_packs_epi32(codes(x(i)).raw, codes(x(i + 8)).raw);  // in turn, four and four
    const __m256i bytes = is_signed ? _mm256_packs_epi16(words, words) : _mm256_packus_epi16(words, words);
    const __m256i order = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(to), _mm256_castsi256_si128(order));
  }
#elif HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  static constexpr bool kSixteen = true;
  template <typename Vector>
  HWY_INLINE void store16(const Vector &x, std::size_t i, std::uint8_t *to) const {
    _mm_storeu_si128(reinterpret_cast<__m128i *>(to), _mm512_cvtepi32_epi8(codes(x(i)).raw));
  }
#else
  static constexpr bool kSixteen = false;
  template <typename Vector>
  HWY_INLINE void store16(const Vector &, std::size_t, std::uint8_t *) const {}
#endif

  HWY_INLINE hn::Vec<IntTag> codes(Floats x) const {
    const FloatTag d;
    const IntTag di;
    // Within the limits, which are whole numbers of at most 17 bits, the sum with 1.5 * 2^23 has steps of 1: the
    // addition rounds halves to even, and the low bits are the integer.
    const Floats bounded = hn::Add(hn::Min(hn::Max(x, low), high), hn::Set(d, 12582912.0F));
    return hn::Add(hn::BitCast(di, bounded), hn::Set(di, zero - 0x4B400000));
  }

  HWY_INLINE void store(Floats x, std::uint8_t *to, std::size_t count) const {
    const FloatTag d;
    const auto all = codes(x);
    HWY_ALIGN std::uint8_t rest[16];
    const bool whole = count >= hn::Lanes(d);
    std::uint8_t *bytes = whole ? to : rest;
    if (is_signed) {
      const hn::Rebind<std::int8_t, FloatTag> db;
      hn::StoreU(hn::DemoteTo(db, all), db, reinterpret_cast<std::int8_t *>(bytes));
    } else {
      const hn::Rebind<std::uint8_t, FloatTag> db;
      hn::StoreU(hn::DemoteTo(db, all), db, bytes);
    }
    if (!whole) std::copy_n(rest, count, to);
  }
};

HWY_INLINE Floats load(const Side &side, std::size_t at, std::size_t count) {
  const FloatTag d;
  const IntTag di;
  HWY_ALIGN std::uint8_t rest[16] = {};
  const std::uint8_t *bytes = side.codes + at;
  if (count < hn::Lanes(d)) bytes = std::copy_n(bytes, count, rest) - count;
  const auto zero = hn::Set(di, side.zero);
  const auto codes = side.is_signed ? hn::PromoteTo(di, hn::LoadU(hn::Rebind<std::int8_t, FloatTag>(),
                                                                  reinterpret_cast<const std::int8_t *>(bytes)))
                                    : hn::PromoteTo(di, hn::LoadU(hn::Rebind<std::uint8_t, FloatTag>(), bytes));
  return hn::Mul(hn::ConvertTo(d, hn::Sub(codes, zero)), hn::Set(d, side.scale));
}

}  // namespace

void FinishOf(const std::int32_t *sums, const float *multipliers, const float *offsets, const PairTarget &to,
              std::size_t pixels, std::size_t channels, std::size_t used, std::uint8_t *codes) {
  const FloatTag d;
  const IntTag di;
  const ToBytes bytes{hn::Set(d, static_cast<float>(to.low - to.zero)),
                      hn::Set(d, static_cast<float>(to.high - to.zero)), to.zero, to.is_signed};
  const auto scaled = [&](std::size_t c) HWY_ATTR {
    const Floats x = hn::Mul(hn::ConvertTo(d, hn::LoadU(di, sums + c)), hn::LoadU(d, multipliers + c));
    return offsets == nullptr ? x : hn::Add(x, hn::LoadU(d, offsets + c));
  };
  for (std::size_t p = 0; p < pixels; ++p, sums += channels, codes += used) {
    std::size_t c = 0;
    for (; ToBytes::kSixteen && c + 16 <= used; c += 16) bytes.store16(scaled, c, codes + c);
    for (; c < used; c += hn::Lanes(d)) bytes.store(scaled(c), codes + c, used - c);
  }
}

void PairOf(Pairing pairing, const Side &a, const Side &b, const PairTarget &to, std::uint8_t *codes,
            std::size_t count) {
  const FloatTag d;
  const ToBytes bytes{hn::Set(d, static_cast<float>(to.low - to.zero)),
                      hn::Set(d, static_cast<float>(to.high - to.zero)), to.zero, to.is_signed};
  const Floats scale = hn::Set(d, to.scale);
  const auto paired = [&](std::size_t i) HWY_ATTR {
    const Floats x = load(a, i, count - i), y = load(b, i, count - i);
    Floats z = hn::Add(x, y);
    if (pairing == Pairing::kSub) z = hn::Sub(x, y);
    if (pairing == Pairing::kMul) z = hn::Mul(x, y);
    return hn::Div(z, scale);
  };
  std::size_t i = 0;
  for (; ToBytes::kSixteen && i + 16 <= count; i += 16) bytes.store16(paired, i, codes + i);
  for (; i < count; i += hn::Lanes(d)) bytes.store(paired(i), codes + i, count - i);
}

}  // namespace halftone::onednn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halftone::onednn {

HWY_EXPORT(FinishOf);
HWY_EXPORT(PairOf);

Finish::Finish(const integer::Requantizer &to, ht_dtype dtype, std::size_t channels, std::size_t used)
    : to_(to),
      dtype_(dtype),
      channels_(channels),
      used_(used),
      vector_(to.form() == integer::Multiplier::kFloat32 && to.rounding() == HT_ROUND_HALF_EVEN &&
              (dtype == HT_U8 || dtype == HT_I8) && to.zero() >= -128 && to.zero() <= 255) {
  if (!vector_) return;
  multipliers_.assign(channels, 0.0F);
  for (std::size_t c = 0; c < used; ++c) multipliers_[c] = to.multipliers()[to.multipliers().size() == 1 ? 0 : c];
  if (to.offsets().empty()) return;
  offsets_.assign(channels, 0.0F);
  std::copy(to.offsets().begin(), to.offsets().end(), offsets_.begin());
}

void Finish::run(const std::int32_t *sums, std::size_t pixels, void *codes) const {
  auto *bytes = static_cast<std::uint8_t *>(codes);
  if (vector_) {
    const PairTarget target{1, to_.zero(), to_.limits().low, to_.limits().high, dtype_ == HT_I8};
    const float *offsets = offsets_.empty() ? nullptr : offsets_.data();
    HWY_DYNAMIC_DISPATCH(FinishOf)(sums, multipliers_.data(), offsets, target, pixels, channels_, used_, bytes);
    return;
  }
  const bool words = dtype_ == HT_U16 || dtype_ == HT_I16;
  for (std::size_t p = 0; p < pixels; ++p) {
    for (std::size_t c = 0; c < used_; ++c) {
      const std::int32_t code = to_(sums[p * channels_ + c], c);
      if (words) {
        static_cast<std::uint16_t *>(codes)[p * used_ + c] = static_cast<std::uint16_t>(code);
      } else {
        bytes[p * used_ + c] = static_cast<std::uint8_t>(code);
      }
    }
  }
}

void pair_codes(Pairing pairing, const Side &a, const Side &b, const PairTarget &to, std::uint8_t *codes,
                std::size_t count) {
  HWY_DYNAMIC_DISPATCH(PairOf)(pairing, a, b, to, codes, count);
}

}  // namespace halftone::onednn
#endif
