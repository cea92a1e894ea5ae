// Rows of codes times packed weights: each row is a pixel of one tap.
#pragma once

#include <memory>
#include <vector>

#include "integer/codes.h"
#include "packed.h"
#include "products.h"

namespace halftone::onednn {

// Codes in the order of their shape; `moved` holds them where they do not lie so already.
inline ht_tensor_view row_major_view(const integer::PlacedView &codes, integer::Tensor &moved) {
  if (!codes.channels_last) return codes.view;
  moved = integer::row_major(codes.view);
  return moved.view();
}

class Rows {
 public:
  Rows(const Operand &operand, std::size_t depth)
      : operand_(operand),
        depth_(depth),
        pitch_(depth * operand.width()),
        direct_(operand.bytes && operand.format.dtype == HT_U8 && depth % 4 == 0) {
    const integer::Shape bytes = {static_cast<std::int64_t>(direct_ ? 0 : kAtOnce * pitch_ + kSlack)};
    memory_ = integer::Tensor(HT_U8, bytes);
    for (std::size_t i = 0; i < kAtOnce; ++i) pixels_.push_back(static_cast<std::ptrdiff_t>(i * pitch_));
  }
  void multiply(const ht_tensor_view &x, std::int64_t first, std::int64_t rows, const PackedWeights &weights,
                const std::vector<std::int32_t> &bias, const Ending &ending, integer::Tensor &to, std::size_t at,
                std::size_t channels) {
    constexpr std::ptrdiff_t kTap[] = {0};
    const auto sums = std::make_unique_for_overwrite<std::int32_t[]>(bias.size() * kAtOnce);
    const auto depth = static_cast<std::int64_t>(depth_);
    for (std::int64_t r = 0; r < rows; r += static_cast<std::int64_t>(kAtOnce)) {
      const auto part = static_cast<std::size_t>(std::min(static_cast<std::int64_t>(kAtOnce), rows - r));
      const std::uint8_t *input = static_cast<const std::uint8_t *>(x.data) + (first + r) * depth;
      if (!direct_) {
        input = memory_.data<std::uint8_t>();
        operand_.map(x, (first + r) * depth, static_cast<std::int64_t>(part) * depth, memory_.data<std::uint8_t>());
      }
      dot({input, std::span(pixels_).first(part), kTap, &weights, bias.data(), sums.get(), bias.size()});
      ending.run(sums.get(), part, to, at + static_cast<std::size_t>(r) * channels);
    }
  }

  // Bytes that rows of this depth and so many channels take at most.
  static std::uint64_t bytes(const ht_tensor_view &x, std::int64_t depth, std::size_t channels) {
    const std::size_t moved = integer::bytes_of(x.dtype, integer::count_of(x));
    return moved + kSlack + kAtOnce * (2 * static_cast<std::size_t>(depth) + 4 * whole_blocks(channels));
  }

 private:
  static constexpr std::size_t kAtOnce = 48;
  const Operand &operand_;
  std::size_t depth_, pitch_;
  bool direct_;
  integer::Tensor memory_;
  std::vector<std::ptrdiff_t> pixels_;
};

}  // namespace halftone::onednn
