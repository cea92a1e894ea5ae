// Gradient of MultiHeadAttention of com.microsoft, which fused attention becomes: by query, key, value, their bias and
// the bias of the scores. With a cache of the past it is refused.
#include "attention_backward.h"
#include "sums.h"

namespace halftone::gradients {
namespace {

using reference::AttentionSizes;

// Slots of its inputs: query, key, value, bias of all three, key_padding_mask, attention_bias.
class MultiHeadAttentionGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1, 2, 3, 4, 5),
                                            .differentiates = sdk::slots(0, 1, 2, 3, 5)};
  explicit MultiHeadAttentionGradient(const sdk::OpNode &node)
      : heads_(node.integer("num_heads", 0)),
        scale_(node.number("scale", 0)),
        filter_(node.number("mask_filter_value", -10000.0)),
        causal_(node.flag("unidirectional", false)) {
    if (heads_ < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "its num_heads is not positive");
    if (!node.has_input(1) || !node.has_input(2)) {
      throw sdk::Failure(HT_UNIMPLEMENTED, "packed query, key and value are not supported");
    }
    for (std::size_t i = 6; i < node.input_count(); ++i) {
      if (node.has_input(i)) throw sdk::Failure(HT_UNIMPLEMENTED, "a cache of the past has no gradient");
    }
  }
  void backward(const sdk::Backward &pass) const {
    for (const std::size_t slot : {1, 2}) {
      if (pass.arrives(slot)) throw sdk::Failure(HT_UNIMPLEMENTED, "a gradient of the present keys and values");
    }
    const AttentionSizes s = sizes_of(pass);
    reference::AttentionInputs in;
    in.q = operand(pass, 0, s.rows, s.width, s);
    in.k = operand(pass, 1, s.keys, s.width, s);
    in.v = operand(pass, 2, s.keys, s.value_width, s);
    in.scale = scale_ != 0 ? scale_ : 1 / std::sqrt(static_cast<double>(s.width));
    const Shape all = {s.batch, s.heads, s.rows, s.keys};
    const Shape step = pass.has_input(5) ? broadcast_strides(pass.input_shape(5), all) : Shape(4, 0);
    const auto bias = pass.has_input(5) ? pass.x(5) : std::span<const float>();
    const Shape mask = pass.has_input(4) ? integers_of(pass.input(4)) : Shape{};
    const std::size_t mask_rank = pass.has_input(4) ? pass.input_shape(4).size() : 0;
    const auto added = [&](std::int64_t b, std::int64_t h, std::int64_t r, std::int64_t j) {
      if (causal_ && j > r + s.keys - s.rows) return reference::kMasked;
      const std::int64_t at = b * step[0] + h * step[1] + r * step[2] + j * step[3];
      const bool open = mask.empty() || allowed(mask, mask_rank, s, b, r, j);
      return (open ? 0.0 : filter_) + (bias.empty() ? 0.0 : static_cast<double>(bias[static_cast<std::size_t>(at)]));
    };
    const std::vector<double> given(pass.dy().begin(), pass.dy().end());
    const AttentionGradients d =
        attend_backward(s, in, reference::heads_first(given, s.batch, s.rows, s.heads, s.value_width), added);
    store_operands(pass, d, s);
    if (!pass.wants(5)) return;
    Sums sums(pass.dx(5));
    for_each_element<2>(all, {strides_of(all), step},
                        [&](const auto &at) { sums[at[1]] += d.scores[static_cast<std::size_t>(at[0])]; });
    sums.store();
  }

 private:
  static bool allowed(const Shape &mask, std::size_t rank, const AttentionSizes &s, std::int64_t b, std::int64_t r,
                      std::int64_t j) {
    const auto at = [&](std::int64_t i) { return mask.at(static_cast<std::size_t>(i)); };
    if (rank == 3) return at((b * s.rows + r) * s.keys + j) != 0;
    return rank == 2 ? at(b * s.keys + j) != 0 : j < at(b);
  }
  AttentionSizes sizes_of(const sdk::Backward &pass) const {
    const ShapeSpan q = pass.input_shape(0), k = pass.input_shape(1), v = pass.input_shape(2);
    const std::int64_t value_width = v.size() == 4 ? v[3] : v[2] / heads_;
    return {q[0], heads_, heads_, q[1], k[k.size() == 4 ? 2 : 1], q[2] / heads_, value_width};
  }
  // Query, key or value of all heads, heads first, with its part of the bias.
  static std::vector<double> operand(const sdk::Backward &pass, std::size_t slot, std::int64_t rows, std::int64_t width,
                                     const AttentionSizes &s) {
    std::vector<double> x(pass.x(slot).begin(), pass.x(slot).end());
    if (pass.input_shape(slot).size() == 4) return x;
    if (pass.has_input(3)) {
      const auto bias = pass.x(3);
      const auto all = static_cast<std::size_t>(s.heads * width);
      for (std::size_t i = 0; i < x.size(); ++i) x[i] += static_cast<double>(bias[bias_at(slot, s) + i % all]);
    }
    return reference::heads_first(x, s.batch, rows, s.heads, width);
  }
  static std::size_t bias_at(std::size_t slot, const AttentionSizes &s) {
    return slot * static_cast<std::size_t>(s.heads * s.width);
  }
  static void store_operands(const sdk::Backward &pass, const AttentionGradients &d, const AttentionSizes &s) {
    Sums bias(pass.wants(3) ? pass.dx(3) : std::span<float>());
    const std::array<const std::vector<double> *, 3> operands = {&d.q, &d.k, &d.v};
    for (std::size_t slot = 0; slot < 3; ++slot) {
      const bool cached = pass.input_shape(slot).size() == 4;
      const std::int64_t rows = slot == 0 ? s.rows : s.keys, width = slot == 2 ? s.value_width : s.width;
      // The way back from heads first: the same exchange of axes.
      const std::vector<double> values =
          cached ? *operands[slot] : reference::heads_first(*operands[slot], s.batch, s.heads, rows, width);
      if (pass.wants(slot)) {
        std::ranges::transform(values, pass.dx(slot).begin(), [](double v) { return static_cast<float>(v); });
      }
      const auto all = static_cast<std::size_t>(s.heads * width);
      for (std::size_t i = 0; pass.wants(3) && !cached && i < values.size(); ++i) {
        bias[static_cast<std::int64_t>(bias_at(slot, s) + i % all)] += values[i];
      }
    }
    bias.store();
  }
  std::int64_t heads_;
  double scale_, filter_;
  bool causal_;
};

}  // namespace
HALFTONE_OP_GRADIENT_OF("com.microsoft", MultiHeadAttentionGradient, "MultiHeadAttention", 1, 1)
}  // namespace halftone::gradients
