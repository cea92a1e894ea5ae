#include "dot.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#define HWY_WANT_AVX3_DL  // for vpdpwssd
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "onednn/integer/dot.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace halftone::onednn::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Wide = hn::CappedTag<std::int32_t, kBlock>;
using Sums = hn::Vec<Wide>;

#if HWY_TARGET != HWY_SCALAR
using Narrow = hn::Repartition<std::int16_t, Wide>;
using Pairs = hn::Vec<Narrow>;

// sum + a[2i] * b[2i] + a[2i + 1] * b[2i + 1] in lane i.
HWY_INLINE Sums add_pairs(Pairs a, Pairs b, Sums sum) {
#if HWY_TARGET == HWY_AVX3_DL
  // Highway tells processors with VNNI apart, but compiles for them without it.
  __asm__("vpdpwssd %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
  return sum;
#elif HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128
  Sums unused = hn::Zero(Wide());
  return hn::ReorderWidenMulAccumulate(Wide(), a, b, sum, unused);
#else
  const Wide d;
  const auto a2 = hn::BitCast(d, a), b2 = hn::BitCast(d, b);
  const auto low = [](auto v) { return hn::ShiftRight<16>(hn::ShiftLeft<16>(v)); };
  sum = hn::Add(sum, hn::Mul(low(a2), low(b2)));
  return hn::Add(sum, hn::Mul(hn::ShiftRight<16>(a2), hn::ShiftRight<16>(b2)));
#endif
}

// kVectors vectors of channels from `first` on, kPixels pixels from `at` on: all sums stay in registers.
template <std::size_t kVectors, std::size_t kPixels>
HWY_INLINE void tile(const DotRow &row, std::size_t first, std::size_t at) {
  const Wide d;
  const Narrow dn;
  const std::size_t lanes = hn::Lanes(d), block = row.taps.size() * row.pairs * kBlock * 2;
  const std::int16_t *weights[kVectors];
  Sums sums[kPixels][kVectors];
  for (std::size_t v = 0; v < kVectors; ++v) {
    const std::size_t channel = first + v * lanes;
    weights[v] = row.weights + channel / kBlock * block + channel % kBlock * 2;
    const Sums bias = hn::LoadU(d, row.bias + channel);
    for (std::size_t p = 0; p < kPixels; ++p) sums[p][v] = bias;
  }
  const std::int16_t *input = row.input + static_cast<std::ptrdiff_t>(at) * row.pixel_step;
  std::size_t offset = 0;
  for (const std::ptrdiff_t tap : row.taps) {
    const std::int16_t *from = input + tap;
    for (std::size_t i = 0; i < row.pairs; ++i, from += 2, offset += kBlock * 2) {
      Pairs w[kVectors];
      for (std::size_t v = 0; v < kVectors; ++v) w[v] = hn::LoadU(dn, weights[v] + offset);
      for (std::size_t p = 0; p < kPixels; ++p) {
        std::int32_t pair;
        std::memcpy(&pair, from + static_cast<std::ptrdiff_t>(p) * row.pixel_step, sizeof(pair));
        const Pairs x = hn::BitCast(dn, hn::Set(d, pair));
        for (std::size_t v = 0; v < kVectors; ++v) sums[p][v] = add_pairs(x, w[v], sums[p][v]);
      }
    }
  }
  for (std::size_t p = 0; p < kPixels; ++p) {
    for (std::size_t v = 0; v < kVectors; ++v)
      hn::StoreU(sums[p][v], d, row.sums + (at + p) * row.channels + first + v * lanes);
  }
}

// As many registers as the instruction set has, less those for weights and inputs.
constexpr std::size_t kMostPixels = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL ? 12 : 6;

template <std::size_t kVectors>
void columns(const DotRow &row, std::size_t first) {
  for (std::size_t at = 0; at < row.pixels;) {
    const std::size_t rest = row.pixels - at;
    const std::size_t tiles = (rest + kMostPixels - 1) / kMostPixels, want = (rest + tiles - 1) / tiles;
    if (kMostPixels == 12 && want >= 12) {
      tile<kVectors, kMostPixels>(row, first, at), at += kMostPixels;
    } else if (kMostPixels == 12 && want >= 8) {
      tile<kVectors, kMostPixels == 12 ? 8 : 6>(row, first, at), at += 8;
    } else if (want >= 6) {
      tile<kVectors, 6>(row, first, at), at += 6;
    } else if (want >= 4) {
      tile<kVectors, 4>(row, first, at), at += 4;
    } else if (want >= 2) {
      tile<kVectors, 2>(row, first, at), at += 2;
    } else {
      tile<kVectors, 1>(row, first, at), at += 1;
    }
  }
}

#endif

}  // namespace

#if HWY_TARGET == HWY_SCALAR
void DotRowOf(const DotRow &row) {
  for (std::size_t p = 0; p < row.pixels; ++p) {
    for (std::size_t c = 0; c < row.channels; ++c) {
      const std::int16_t *weight = row.weights + (c / kBlock * row.taps.size() * row.pairs * kBlock + c % kBlock) * 2;
      std::int32_t sum = row.bias[c];
      for (const std::ptrdiff_t tap : row.taps) {
        const std::int16_t *from = row.input + static_cast<std::ptrdiff_t>(p) * row.pixel_step + tap;
        for (std::size_t i = 0; i < row.pairs; ++i, from += 2, weight += kBlock * 2)
          sum += from[0] * weight[0] + from[1] * weight[1];
      }
      row.sums[p * row.channels + c] = sum;
    }
  }
}
#else
void DotRowOf(const DotRow &row) {
  const std::size_t lanes = hn::Lanes(Wide());
  std::size_t first = 0;
  for (; first + 2 * lanes <= row.channels; first += 2 * lanes) columns<2>(row, first);
  for (; first < row.channels; first += lanes) columns<1>(row, first);
}
#endif

void DepthwiseRowOf(const DotRow &row) {
  const Wide d;
  const hn::Rebind<std::int16_t, Wide> dn;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t p = 0; p < row.pixels; ++p) {
    const std::int16_t *input = row.input + static_cast<std::ptrdiff_t>(p) * row.pixel_step;
    for (std::size_t c = 0; c < row.channels; c += lanes) {
      Sums sum = hn::LoadU(d, row.bias + c);
      for (std::size_t t = 0; t < row.taps.size(); ++t) {
        const auto x = hn::PromoteTo(d, hn::LoadU(dn, input + row.taps[t] + c));
        const auto w = hn::PromoteTo(d, hn::LoadU(dn, row.weights + t * row.channels + c));
        sum = hn::Add(sum, hn::Mul(x, w));
      }
      hn::StoreU(sum, d, row.sums + p * row.channels + c);
    }
  }
}

void WidenUnsigned(const std::uint8_t *from, std::int32_t zero, std::int16_t *to, std::size_t count) {
  const hn::ScalableTag<std::int16_t> d;
  const hn::Rebind<std::uint8_t, decltype(d)> dn;
  const auto z = hn::Set(d, static_cast<std::int16_t>(zero));
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(hn::Sub(hn::PromoteTo(d, hn::LoadU(dn, from + i)), z), d, to + i);
  for (; i < count; ++i) to[i] = static_cast<std::int16_t>(from[i] - zero);
}

void WidenSigned(const std::int8_t *from, std::int32_t zero, std::int16_t *to, std::size_t count) {
  const hn::ScalableTag<std::int16_t> d;
  const hn::Rebind<std::int8_t, decltype(d)> dn;
  const auto z = hn::Set(d, static_cast<std::int16_t>(zero));
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(hn::Sub(hn::PromoteTo(d, hn::LoadU(dn, from + i)), z), d, to + i);
  for (; i < count; ++i) to[i] = static_cast<std::int16_t>(from[i] - zero);
}

}  // namespace halftone::onednn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halftone::onednn {

HWY_EXPORT(DotRowOf);
HWY_EXPORT(DepthwiseRowOf);
HWY_EXPORT(WidenUnsigned);
HWY_EXPORT(WidenSigned);

void dot_row(const DotRow &row) {
  HWY_DYNAMIC_DISPATCH(DotRowOf)(row);
}
void depthwise_row(const DotRow &row) {
  HWY_DYNAMIC_DISPATCH(DepthwiseRowOf)(row);
}
void widen_codes(const std::uint8_t *from, bool is_signed, std::int32_t zero, std::int16_t *to, std::size_t count) {
  if (is_signed) return HWY_DYNAMIC_DISPATCH(WidenSigned)(reinterpret_cast<const std::int8_t *>(from), zero, to, count);
  HWY_DYNAMIC_DISPATCH(WidenUnsigned)(from, zero, to, count);
}

void limit_instructions() {
  static const bool done = [] {
    const char *text = std::getenv("ONEDNN_MAX_CPU_ISA");
    if (text == nullptr) text = std::getenv("DNNL_MAX_CPU_ISA");
    const std::string_view isa = text == nullptr ? "" : text;
    std::int64_t off = 0;
    if (isa == "AVX512_CORE") off = HWY_AVX3_DL;
    if (isa.starts_with("AVX2")) off = HWY_AVX3_DL | HWY_AVX3;
    if (isa == "AVX" || isa == "SSE41") off = HWY_AVX3_DL | HWY_AVX3 | HWY_AVX2;
    if (off != 0) {
      hwy::DisableTargets(off);
      hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    }
    return true;
  }();
  (void)done;
}

}  // namespace halftone::onednn
#endif
