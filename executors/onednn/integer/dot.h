// Exact sums of products of integers, vectorised: what every sum of integer mode comes down to here.
//
// Operands lie in groups of four bytes: two words of 16 bits, or four bytes. Words are multiplied in pairs into 32 bits
// (vpmaddwd, with VNNI vpdpwssd), because the byte form without VNNI (vpmaddubsw) saturates at 16 bits. Bytes are for
// processors with VNNI, whose vpdpbusd adds four products of an unsigned and a signed byte without saturating. Sums may
// wrap at 32 bits on the way; a caller makes sure that no result leaves them: it is that of arithmetic without bounds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace halftone::onednn {

class PackedWeights;

inline constexpr std::size_t kBlock = 16;  // channels of biases and sums come in whole blocks
// What a kernel may read behind the last element of its input, in bytes.
inline constexpr std::size_t kSlack = 128;

inline std::size_t whole_blocks(std::size_t channels, std::size_t block = kBlock) {
  return (channels + block - 1) / block * block;
}

// Sums of pixel p and channel c:
// bias[c] + sum over taps t and inputs i of input[pixels[p] + taps[t] + i] * weight(c, t, i).
struct Dot {
  const std::uint8_t *input = nullptr;
  std::span<const std::ptrdiff_t> pixels, taps;  // offsets in bytes
  const PackedWeights *weights = nullptr;
  const std::int32_t *bias = nullptr;  // by channel, whole blocks
  std::int32_t *sums = nullptr;        // of pixel p from sums + p * pitch on, whole blocks of channels
  std::size_t pitch = 0;
};
void dot(const Dot &work);

// Whether bytes are multiplied as they are here.
bool has_byte_products();

// How many channels the next panel of packed weights has, where so many are left.
std::size_t panel_width(std::size_t channels);

// The same of words where each channel has inputs of its own, one for each tap:
// bias[c] + sum over taps t of input[pixels[p] + taps[t] + c] * weights[t * channels + c].
struct DepthwiseDot {
  const std::uint8_t *input = nullptr;
  std::span<const std::ptrdiff_t> pixels, taps;  // offsets in bytes; an even number of taps
  const std::int16_t *weights = nullptr;
  const std::int32_t *bias = nullptr;
  std::int32_t *sums = nullptr;  // [pixel][channels]
  std::size_t channels = 0;      // a multiple of kDepthwiseBlock
};
inline constexpr std::size_t kDepthwiseBlock = 32;
void depthwise_dot(const DepthwiseDot &work);

// Lowers what the kernels here use to what ONEDNN_MAX_CPU_ISA names, so that one variable limits the whole executor.
void limit_instructions();

}  // namespace halftone::onednn
