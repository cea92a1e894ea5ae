// Convolutions and products of matrices on codes, channels last.
#pragma once

#include <cstdlib>
#include <memory>
#include <vector>

#include "dot.h"
#include "finish.h"
#include "integer/plan.h"

namespace halftone::onednn {

// The fast way through a step of an integer plan, for integer::PlanOptions. Null where there is none.
std::unique_ptr<integer::FastStep> fast_step(const sdk::Context &ctx, const sdk::Node &node, const integer::Step &step);

std::unique_ptr<integer::FastStep> fast_convolution(const sdk::Context &ctx, const sdk::Node &node,
                                                    const integer::Step &step);
std::unique_ptr<integer::FastStep> fast_matrix_product(const sdk::Context &ctx, const sdk::Node &node,
                                                       const integer::Step &step);
std::unique_ptr<integer::FastStep> fast_move(const sdk::Context &ctx, const sdk::Node &node, const integer::Step &step);
std::unique_ptr<integer::FastStep> fast_pairs(const sdk::Node &node, const integer::Step &step);

// Whether 16-bit operands and 32-bit sums hold everything: the codes of input 0 and the stored operand fit 16 bits, and
// for no output channel the sum of |weights| times the largest |code - zero| and the bias leaves 32 bits. `depth`
// weights make one output; `weight(channel, i)` gives them.
template <typename Weight>
bool never_overflows(const integer::Step &step, std::size_t channels, std::size_t depth, Weight &&weight) {
  const integer::Format &in = *step.inputs[0].codes;
  const std::int64_t most = std::max<std::int64_t>(in.high - in.zero, in.zero - in.low);
  if (most > 32767) return false;
  const integer::Tensor *bias = step.products->bias.get();
  for (std::size_t c = 0; c < channels; ++c) {
    std::int64_t bound = bias == nullptr ? 0 : std::abs(std::int64_t{bias->data<std::int32_t>()[c]});
    for (std::size_t i = 0; i < depth; ++i) {
      const std::int64_t w = std::abs(std::int64_t{weight(c, i)});
      if (w > 32767) return false;
      bound += w * most;
    }
    if (bound > 2147483647) return false;
  }
  return true;
}

// Weights for dot_row: [channels / 16][tap][pair][16][2], zero beyond what there is. `weight(channel, tap, input)`.
template <typename Weight>
std::vector<std::int16_t> packed_weights(std::size_t channels, std::size_t taps, std::size_t inputs, Weight &&weight) {
  const std::size_t blocks = (channels + kBlock - 1) / kBlock, pairs = (inputs + 1) / 2;
  std::vector<std::int16_t> out(blocks * taps * pairs * kBlock * 2);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t t = 0; t < taps; ++t) {
      for (std::size_t i = 0; i < inputs; ++i) {
        out[(((c / kBlock * taps + t) * pairs + i / 2) * kBlock + c % kBlock) * 2 + i % 2] =
            static_cast<std::int16_t>(weight(c, t, i));
      }
    }
  }
  return out;
}

// The bias by channel, padded with zeros to whole blocks.
std::vector<std::int32_t> padded_bias(const integer::Products &products, std::size_t channels);

// The end of a step: codes, or floats.
class Ending {
 public:
  Ending(const integer::Step &step, std::size_t channels);
  ht_dtype dtype() const { return dtype_; }
  // sums: [pixels][whole blocks of channels]; to: [pixels][channels] from element `at` on.
  void run(const std::int32_t *sums, std::size_t pixels, integer::Tensor &to, std::size_t at) const;

 private:
  std::size_t channels_, padded_;
  ht_dtype dtype_;
  std::unique_ptr<Finish> finish_;
  std::vector<double> units_, float_bias_;
};

// 8-bit codes as 16-bit differences from the zero point; `from` row-major or channels last as it is.
void widen(const ht_tensor_view &codes, std::int64_t first, std::int64_t count, const integer::Format &format,
           std::int16_t *to);

}  // namespace halftone::onednn
