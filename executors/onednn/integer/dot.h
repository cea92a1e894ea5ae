// Exact sums of products of 16-bit integers, vectorised: what every sum of integer mode comes down to here.
//
// Bytes are widened to 16 bits first and multiplied in pairs into 32 bits (vpmaddwd, with VNNI vpdpwssd), because the
// byte form without VNNI (vpmaddubsw) saturates at 16 bits. No product and no pair of them leaves 32 bits, and a caller
// makes sure that no sum does: the result is that of arithmetic without bounds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace halftone::onednn {

inline constexpr std::size_t kBlock = 16;  // output channels that lie together in packed weights

// A row of output pixels. Sums of pixel p and channel c:
// bias[c] + sum over taps t and inputs i of input[p * pixel_step + taps[t] + i] * weight(c, t, i).
struct DotRow {
  const std::int16_t *input = nullptr;
  std::ptrdiff_t pixel_step = 0;
  std::span<const std::ptrdiff_t> taps;
  std::size_t pairs = 0;                  // of inputs of one tap
  const std::int16_t *weights = nullptr;  // [channels / 16][tap][pair][16][2]
  const std::int32_t *bias = nullptr;     // by channel
  std::size_t channels = 0;               // a multiple of kBlock
  std::int32_t *sums = nullptr;           // [pixel][channels]
  std::size_t pixels = 0;
};
void dot_row(const DotRow &row);

// The same where each channel has inputs of its own: one for each tap.
// bias[c] + sum over taps t of input[p * pixel_step + taps[t] + c] * weights[t * channels + c].
void depthwise_row(const DotRow &row);

// to[i] = from[i] - zero.
void widen_codes(const std::uint8_t *from, bool is_signed, std::int32_t zero, std::int16_t *to, std::size_t count);

// Lowers what the kernels here use to what ONEDNN_MAX_CPU_ISA names, so that one variable limits the whole executor.
void limit_instructions();

}  // namespace halftone::onednn
