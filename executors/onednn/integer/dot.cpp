#include "dot.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "packed.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "onednn/integer/dot.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

#include "dot-inl.h"

HWY_BEFORE_NAMESPACE();
namespace halftone::onednn::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR
std::size_t PanelWidthOf(std::size_t) {
  return kBlock;
}
void DotOf(const Dot &work) {
  const std::uint8_t *weights = work.weights->data();
  for (std::size_t first = 0; first < work.weights->channels(); first += kBlock) {
    for (std::size_t p = 0; p < work.pixels.size(); ++p) {
      for (std::size_t c = 0; c < kBlock; ++c) {
        const auto *weight = reinterpret_cast<const std::int16_t *>(weights) + 2 * c;
        std::int32_t sum = work.bias[first + c];
        for (const std::ptrdiff_t tap : work.taps) {
          const auto *from = reinterpret_cast<const std::int16_t *>(work.input + work.pixels[p] + tap);
          for (std::size_t i = 0; i < work.weights->groups(); ++i, from += 2, weight += kBlock * 2)
            sum += from[0] * weight[0] + from[1] * weight[1];
        }
        work.sums[p * work.pitch + first + c] = sum;
      }
    }
    weights += work.taps.size() * work.weights->groups() * kBlock * 4;
  }
}
#else
namespace {

constexpr std::size_t kLanes = HWY_LANES(std::int32_t) < kBlock ? HWY_LANES(std::int32_t) : kBlock;
constexpr bool kManyRegisters = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL;
// As many sums as there are registers, less those for weights and inputs, and as many pixels as there are pointers.
constexpr std::size_t most_pixels(std::size_t vectors) {
  return kManyRegisters ? (vectors == 4 ? 6 : 8) : (vectors == 4 ? 2 : vectors == 2 ? 6 : 8);
}

// A group of inputs times one of weights, in each lane.
template <bool kBytes>
HWY_INLINE Sums add_group(Sums inputs, Sums weights, Sums sum) {
#if HWY_TARGET == HWY_AVX3_DL
  if constexpr (kBytes) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(inputs.raw), "v"(weights.raw));
    return sum;
  }
#endif
  return add_pairs(hn::BitCast(Narrow(), inputs), hn::BitCast(Narrow(), weights), sum);
}

// The pixels from `at` on, and the channels of a panel of kVectors vectors: all sums stay in registers.
template <bool kBytes, std::size_t kVectors, std::size_t kPixels>
void tile(const Dot &work, const std::uint8_t *weights, std::size_t channel, std::size_t at) {
  const Wide d;
  const std::uint8_t *input[kPixels];
  Sums sums[kPixels][kVectors];
  HALFTONE_UNROLL
  for (std::size_t p = 0; p < kPixels; ++p) input[p] = work.input + work.pixels[at + p];
  HALFTONE_UNROLL
  for (std::size_t v = 0; v < kVectors; ++v) {
    const Sums bias = hn::LoadU(d, work.bias + channel + v * kLanes);
    HALFTONE_UNROLL
    for (std::size_t p = 0; p < kPixels; ++p) sums[p][v] = bias;
  }
  const auto reach = static_cast<std::ptrdiff_t>(4 * work.weights->groups());
  for (const std::ptrdiff_t tap : work.taps) {
    for (std::ptrdiff_t i = tap; i != tap + reach; i += 4, weights += 4 * kVectors * kLanes) {
      Sums w[kVectors];
      HALFTONE_UNROLL
      for (std::size_t v = 0; v < kVectors; ++v)
        w[v] = hn::LoadU(d, reinterpret_cast<const std::int32_t *>(weights) + v * kLanes);
      HALFTONE_UNROLL
      for (std::size_t p = 0; p < kPixels; ++p) {
        std::int32_t group;
        std::memcpy(&group, input[p] + i, sizeof(group));
        const Sums x = hn::Set(d, group);
        HALFTONE_UNROLL
        for (std::size_t v = 0; v < kVectors; ++v) sums[p][v] = add_group<kBytes>(x, w[v], sums[p][v]);
      }
    }
  }
  HALFTONE_UNROLL
  for (std::size_t p = 0; p < kPixels; ++p) {
    HALFTONE_UNROLL
    for (std::size_t v = 0; v < kVectors; ++v)
      hn::StoreU(sums[p][v], d, work.sums + (at + p) * work.pitch + channel + v * kLanes);
  }
}

using Tile = void (*)(const Dot &, const std::uint8_t *, std::size_t, std::size_t);
template <bool kBytes, std::size_t kVectors, std::size_t... kPixels>
constexpr std::array<Tile, sizeof...(kPixels)> tiles_of(std::index_sequence<kPixels...>) {
  return {&tile<kBytes, kVectors, kPixels + 1>...};
}

// All pixels, in tiles of nearly the same size.
template <bool kBytes, std::size_t kVectors>
void panel(const Dot &work, const std::uint8_t *weights, std::size_t channel) {
  constexpr std::size_t kMost = most_pixels(kVectors);
  static constexpr std::array<Tile, kMost> kTiles = tiles_of<kBytes, kVectors>(std::make_index_sequence<kMost>());
  const std::size_t all = work.pixels.size(), tiles = (all + kMost - 1) / kMost;
  for (std::size_t i = 0, at = 0; i < tiles; ++i) {
    const std::size_t next = all * (i + 1) / tiles;
    kTiles[next - at - 1](work, weights, channel, at);
    at = next;
  }
}

template <bool kBytes>
void panels(const Dot &work) {
  const std::uint8_t *weights = work.weights->data();
  const std::size_t each = 4 * work.taps.size() * work.weights->groups();  // bytes of one channel
  std::size_t channel = 0;
  for (const std::size_t width : work.weights->panels()) {
    const std::size_t vectors = width / kLanes;
    if constexpr (kLanes >= kBlock / 2) {
      if (vectors == 1) panel<kBytes, 1>(work, weights, channel);
    }
    if constexpr (kLanes >= kBlock / 2) {
      if (vectors == 2) panel<kBytes, 2>(work, weights, channel);
    }
    if (vectors == 4) panel<kBytes, 4>(work, weights, channel);
    weights += each * width;
    channel += width;
  }
}

}  // namespace

std::size_t PanelWidthOf(std::size_t channels) {
  if (kManyRegisters) return channels > 3 * kBlock ? 4 * kBlock : channels > kBlock ? 2 * kBlock : kBlock;
  return kLanes == kBlock / 2 && channels <= kLanes ? kLanes : kBlock;
}

void DotOf(const Dot &work) {
#if HWY_TARGET == HWY_AVX3_DL
  if (work.weights->bytes()) return panels<true>(work);
#endif
  panels<false>(work);
}
#endif

bool HasByteProductsOf() {
  return HWY_TARGET == HWY_AVX3_DL;
}

}  // namespace halftone::onednn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halftone::onednn {

HWY_EXPORT(DotOf);
HWY_EXPORT(PanelWidthOf);
HWY_EXPORT(HasByteProductsOf);

void dot(const Dot &work) {
  if (!work.pixels.empty()) HWY_DYNAMIC_DISPATCH(DotOf)(work);
}
std::size_t panel_width(std::size_t channels) {
  return HWY_DYNAMIC_DISPATCH(PanelWidthOf)(channels);
}
bool has_byte_products() {
  return HWY_DYNAMIC_DISPATCH(HasByteProductsOf)();
}

PackedWeights::PackedWeights(bool bytes, std::size_t channels, std::size_t taps, std::size_t inputs)
    : bytes_(bytes), taps_(taps), inputs_(inputs), groups_(bytes ? (inputs + 3) / 4 : (inputs + 1) / 2) {
  for (; channels_ < channels; channels_ += panels_.back()) panels_.push_back(panel_width(channels - channels_));
  data_.resize(channels_ * taps_ * groups_ * 4);
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
