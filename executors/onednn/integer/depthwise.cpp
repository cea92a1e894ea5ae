// Sums where each channel has inputs of its own: words of two taps are interleaved, so that a pair of them is one
// product.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "onednn/integer/depthwise.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

#include "dot-inl.h"

HWY_BEFORE_NAMESPACE();
namespace halftone::onednn::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR
void DepthwiseOf(const DepthwiseDot &work) {
  for (std::size_t p = 0; p < work.pixels.size(); ++p) {
    for (std::size_t c = 0; c < work.channels; ++c) {
      std::int32_t sum = work.bias[c];
      for (std::size_t t = 0; t < work.taps.size(); ++t) {
        const auto *from = reinterpret_cast<const std::int16_t *>(work.input + work.pixels[p] + work.taps[t]);
        sum += from[c] * work.weights[t * work.channels + c];
      }
      work.sums[p * work.channels + c] = sum;
    }
  }
}
#else
namespace {

// Interleaved within blocks of 128 bits: brings sums back to the order of channels and stores them on the bias.
HWY_INLINE void store(Sums low, Sums high, const std::int32_t *bias, std::int32_t *to) {
  const Wide d;
  const std::size_t lanes = hn::Lanes(d);
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  const Sums first = hn::ConcatLowerLower(d, high, low), second = hn::ConcatUpperUpper(d, high, low);
  low = first;
  high = second;
#if HWY_TARGET != HWY_AVX2
  alignas(64) static constexpr std::int32_t kBlocks[16] = {0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15};
  const auto order = hn::SetTableIndices(d, kBlocks);
  low = hn::TableLookupLanes(low, order);
  high = hn::TableLookupLanes(high, order);
#endif
#endif
  hn::StoreU(hn::Add(low, hn::LoadU(d, bias)), d, to);
  hn::StoreU(hn::Add(high, hn::LoadU(d, bias + lanes)), d, to + lanes);
}

template <std::size_t kPixels>
void columns(const DepthwiseDot &work, std::size_t at) {
  const Wide d;
  const Narrow dn;
  const std::uint8_t *input[kPixels];
  HALFTONE_UNROLL
  for (std::size_t p = 0; p < kPixels; ++p) input[p] = work.input + work.pixels[at + p];
  for (std::size_t c = 0; c < work.channels; c += hn::Lanes(dn)) {
    Sums low[kPixels], high[kPixels];
    HALFTONE_UNROLL
    for (std::size_t p = 0; p < kPixels; ++p) low[p] = high[p] = hn::Zero(d);
    const std::int16_t *weights = work.weights + c;
    for (std::size_t t = 0; t < work.taps.size(); t += 2, weights += 2 * work.channels) {
      const Pairs even = hn::LoadU(dn, weights), odd = hn::LoadU(dn, weights + work.channels);
      const Pairs lower = hn::InterleaveLower(dn, even, odd), upper = hn::InterleaveUpper(dn, even, odd);
      const std::ptrdiff_t first = work.taps[t] + static_cast<std::ptrdiff_t>(2 * c);
      const std::ptrdiff_t second = work.taps[t + 1] + static_cast<std::ptrdiff_t>(2 * c);
      HALFTONE_UNROLL
      for (std::size_t p = 0; p < kPixels; ++p) {
        const Pairs a = hn::LoadU(dn, reinterpret_cast<const std::int16_t *>(input[p] + first));
        const Pairs b = hn::LoadU(dn, reinterpret_cast<const std::int16_t *>(input[p] + second));
        low[p] = add_pairs(hn::InterleaveLower(dn, a, b), lower, low[p]);
        high[p] = add_pairs(hn::InterleaveUpper(dn, a, b), upper, high[p]);
      }
    }
    HALFTONE_UNROLL
    for (std::size_t p = 0; p < kPixels; ++p)
      store(low[p], high[p], work.bias + c, work.sums + (at + p) * work.channels + c);
  }
}

}  // namespace

void DepthwiseOf(const DepthwiseDot &work) {
  std::size_t at = 0;
  for (; at + 4 <= work.pixels.size(); at += 4) columns<4>(work, at);
  for (; at < work.pixels.size(); ++at) columns<1>(work, at);
}
#endif

}  // namespace halftone::onednn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halftone::onednn {

HWY_EXPORT(DepthwiseOf);

void depthwise_dot(const DepthwiseDot &work) {
  HWY_DYNAMIC_DISPATCH(DepthwiseOf)(work);
}

}  // namespace halftone::onednn
#endif
