// Convolutions and products of matrices on codes, channels last.
#pragma once

#include <cstdlib>
#include <memory>
#include <vector>

#include "dot.h"
#include "finish.h"
#include "integer/plan.h"
#include "widen.h"

namespace halftone::onednn {

// The fast way through a step of an integer plan, for integer::PlanOptions. Null where there is none.
std::unique_ptr<integer::FastStep> fast_step(const sdk::Context &ctx, const sdk::Node &node, const integer::Step &step);

std::unique_ptr<integer::FastStep> fast_convolution(const sdk::Context &ctx, const sdk::Node &node,
                                                    const integer::Step &step);
std::unique_ptr<integer::FastStep> fast_transposed_convolution(const sdk::Context &ctx, const sdk::Node &node,
                                                               const integer::Step &step);
std::unique_ptr<integer::FastStep> fast_pair_product(const sdk::Context &ctx, const sdk::Node &node,
                                                     const integer::Step &step);
std::unique_ptr<integer::FastStep> fast_matrix_product(const sdk::Context &ctx, const sdk::Node &node,
                                                       const integer::Step &step);
std::unique_ptr<integer::FastStep> fast_move(const sdk::Context &ctx, const sdk::Node &node, const integer::Step &step);
std::unique_ptr<integer::FastStep> fast_box(const sdk::Context &ctx, const sdk::Node &node, const integer::Step &step);
std::unique_ptr<integer::FastStep> fast_average(const sdk::Context &ctx, const sdk::Node &node,
                                                const integer::Step &step);
std::unique_ptr<integer::FastStep> fast_table(const integer::Step &step);
std::unique_ptr<integer::FastStep> fast_pairs(const sdk::Node &node, const integer::Step &step);

// The largest |code - zero|.
inline std::int64_t most_of(const integer::Format &format) {
  return std::max<std::int64_t>(format.high - format.zero, format.zero - format.low);
}

// Whether 16-bit operands and 32-bit sums hold everything: the codes of input 0 and the stored operand fit 16 bits, and
// for no output channel the sum of |weights| times the largest |code - zero| and the bias leaves 32 bits. `depth`
// weights make one output; `weight(channel, i)` gives them.
template <typename Weight>
bool never_overflows(const integer::Step &step, std::size_t channels, std::size_t depth, Weight &&weight) {
  const std::int64_t most = most_of(*step.inputs[0].codes);
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

// Whether codes and a stored operand are multiplied as bytes.
bool fit_bytes(const integer::Format &codes, const integer::StoredOperand &stored);

// The bias of `channels` channels from `first` on, padded with zeros to whole blocks. Bytes are no differences from the
// zero point: what that adds to each sum is taken off here, modulo 2^32 as the sums are.
template <typename Weight>
std::vector<std::int32_t> bias_of(const integer::Products &products, const Operand &operand, std::size_t first,
                                  std::size_t channels, std::size_t depth, Weight &&weight) {
  std::vector<std::int32_t> out(whole_blocks(channels));
  for (std::size_t c = 0; c < channels; ++c) {
    std::uint32_t sum = products.bias ? static_cast<std::uint32_t>(products.bias->data<std::int32_t>()[first + c]) : 0U;
    for (std::size_t i = 0; operand.bytes && i < depth; ++i)
      sum -= static_cast<std::uint32_t>(operand.byte_zero()) * static_cast<std::uint32_t>(weight(c, i));
    out[c] = static_cast<std::int32_t>(sum);
  }
  return out;
}

// The end of a step: codes, or floats.
class Ending {
 public:
  // `pitch`: sums of a pixel and what fills them up.
  Ending(const integer::Step &step, std::size_t channels, std::size_t pitch)
      : Ending(*step.products, step.outputs[0].codes, channels, pitch) {}
  Ending(const integer::Products &products, const std::optional<integer::Format> &to, std::size_t channels,
         std::size_t pitch);
  ht_dtype dtype() const { return dtype_; }
  // sums: [pixels][pitch]; to: [pixels][channels] from element `at` on.
  void run(const std::int32_t *sums, std::size_t pixels, integer::Tensor &to, std::size_t at) const;

 private:
  std::size_t channels_, pitch_;
  ht_dtype dtype_;
  std::unique_ptr<Finish> finish_;
  std::vector<double> units_, float_bias_;
};

// Floats are for the plain kernels, which read them in the order of the shape.
integer::Placed plain_floats(const integer::Tensor &channels_last);

}  // namespace halftone::onednn
