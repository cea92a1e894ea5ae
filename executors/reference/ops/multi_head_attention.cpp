// MultiHeadAttention of com.microsoft: softmax(scale * q k' + mask + bias) v for each head; q, k and v are [batch,
// rows, heads * width], or k and v [batch, heads, rows, width] where they come from a cache. Source: ONNX Runtime's
// ContribOperators.md.
#include "halftone/op_kernel.hpp"
#include "ops/attention_core.h"
#include "ops/reals.h"

namespace halftone::reference {
namespace {

// Slots of its inputs: query, key, value, bias of all three, key_padding_mask, attention_bias, past_key, past_value.
class MultiHeadAttention {
 public:
  explicit MultiHeadAttention(const sdk::OpNode &node)
      : heads_(node.integer("num_heads", 0)),
        scale_(node.number("scale", 0)),
        filter_(node.number("mask_filter_value", -10000.0)),
        causal_(node.flag("unidirectional", false)) {
    if (heads_ < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "its num_heads is not positive");
    if (!node.has_input(1) || !node.has_input(2)) {
      throw sdk::Failure(HT_UNIMPLEMENTED, "packed query, key and value are not supported");
    }
    for (std::size_t i = 8; i < node.input_count(); ++i) {
      if (node.has_input(i))
        throw sdk::Failure(HT_UNIMPLEMENTED, "a shared buffer of past and present is not supported");
    }
    if (node.has_output(3)) throw sdk::Failure(HT_UNIMPLEMENTED, "its scores as an output are not supported");
  }

  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    const AttentionSizes s = sizes_of(inputs);
    if (sdk::present(inputs, 5)) {
      const Shape scores = {s.batch, s.heads, s.rows, s.keys};
      if (broadcast(scores, shape_of(inputs[5])) != scores) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "the shape of attention_bias does not broadcast to that of the scores");
      }
    }
    if (sdk::present(inputs, 4)) require_mask(inputs[4], s);
    sdk::set_type(outputs[0], inputs[0].dtype, Shape{s.batch, s.rows, s.heads * s.value_width});
    if (outputs.size() > 1) sdk::set_type(outputs[1], inputs[0].dtype, Shape{s.batch, s.heads, s.keys, s.width});
    if (outputs.size() > 2) sdk::set_type(outputs[2], inputs[0].dtype, Shape{s.batch, s.heads, s.keys, s.value_width});
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const AttentionSizes s = sizes_of(inputs);
    AttentionInputs in;
    in.q = operand(inputs, 0, 0, s.rows, s.width, s);
    in.k = operand(inputs, 1, s.heads * s.width, rows_of(inputs[1]), s.width, s);
    in.v = operand(inputs, 2, 2 * s.heads * s.width, rows_of(inputs[2]), s.value_width, s);
    if (sdk::present(inputs, 6)) in.k = joined_rows(reals_of(inputs[6]), in.k, s.batch * s.heads);
    if (sdk::present(inputs, 7)) in.v = joined_rows(reals_of(inputs[7]), in.v, s.batch * s.heads);
    if (outputs.size() > 1) store_reals(in.k, outputs[1]);
    if (outputs.size() > 2) store_reals(in.v, outputs[2]);
    in.scale = scale_ != 0 ? scale_ : 1 / std::sqrt(static_cast<double>(s.width));
    const std::vector<double> bias = sdk::present(inputs, 5) ? reals_of(inputs[5]) : std::vector<double>{};
    const Shape all = {s.batch, s.heads, s.rows, s.keys};
    const Shape step = bias.empty() ? Shape(4, 0) : broadcast_strides(shape_of(inputs[5]), all);
    const Shape mask = sdk::present(inputs, 4) ? integers_of(inputs[4]) : Shape{};
    const auto added = [&](std::int64_t b, std::int64_t h, std::int64_t r, std::int64_t j) {
      if (causal_ && j > r + s.keys - s.rows) return kMasked;
      const std::int64_t at = b * step[0] + h * step[1] + r * step[2] + j * step[3];
      const bool open = mask.empty() || allowed(mask, inputs[4].rank, s, b, r, j);
      return (open ? 0.0 : filter_) + (bias.empty() ? 0.0 : bias[static_cast<std::size_t>(at)]);
    };
    const auto y = attend(s, in, added, [](int, std::int64_t, const std::vector<double> &) {});
    store_reals(rows_first(y, s.batch, s.rows, s.heads, s.value_width), outputs[0]);
  }

 private:
  // Of keys or values, without those of the past.
  static std::int64_t rows_of(const ht_tensor_view &t) { return t.shape[t.rank == 4 ? 2 : 1]; }

  static void require_mask(const ht_tensor_view &mask, const AttentionSizes &s) {
    const Shape shape = shape_copy(mask);
    if (shape != Shape{s.batch} && shape != Shape{s.batch, s.keys} && shape != Shape{s.batch, s.rows, s.keys}) {
      throw sdk::Failure(HT_UNIMPLEMENTED,
                         "key_padding_mask is neither a number of keys per sample nor one flag per key");
    }
  }
  static bool allowed(const Shape &mask, std::uint32_t rank, const AttentionSizes &s, std::int64_t b, std::int64_t r,
                      std::int64_t j) {
    const auto at = [&](std::int64_t i) { return mask[static_cast<std::size_t>(i)]; };
    if (rank == 3) return at((b * s.rows + r) * s.keys + j) != 0;
    return rank == 2 ? at(b * s.keys + j) != 0 : j < at(b);
  }
  AttentionSizes sizes_of(sdk::KernelInputs inputs) const {
    const ShapeSpan q = shape_of(inputs[0]), k = shape_of(inputs[1]), v = shape_of(inputs[2]);
    const bool cached = k.size() == 4 && v.size() == 4;
    if (q.size() != 3 || (!cached && (k.size() != 3 || v.size() != 3)) || q[2] % heads_ != 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of query, key and value do not go together");
    }
    const std::int64_t past = sdk::present(inputs, 6) && inputs[6].rank == 4 ? inputs[6].shape[2] : 0;
    const std::int64_t width = cached ? v[3] : v[2] / heads_;
    const AttentionSizes s = {q[0], heads_, heads_, q[1], rows_of(inputs[1]) + past, q[2] / heads_, width};
    const std::int64_t k_width = cached ? k[3] * k[1] : k[2], v_width = cached ? v[3] * v[1] : v[2];
    const bool bias = !sdk::present(inputs, 3) || count_of(inputs[3]) == 2 * q[2] + v_width;
    if (q[0] != k[0] || q[0] != v[0] || rows_of(inputs[1]) != rows_of(inputs[2]) || k_width != q[2] ||
        (cached && (k[1] != heads_ || v[1] != heads_)) || v_width % heads_ != 0 || !bias) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of query, key and value do not go together");
    }
    require_past(inputs, 6, s, s.heads);
    return s;
  }
  // Query, key or value of all heads, heads first, with its part of the bias.
  static std::vector<double> operand(sdk::KernelInputs inputs, std::size_t slot, std::int64_t offset, std::int64_t rows,
                                     std::int64_t width, const AttentionSizes &s) {
    std::vector<double> x = reals_of(inputs[slot]);
    if (inputs[slot].rank == 4) return x;
    const std::int64_t all = s.heads * width;
    if (sdk::present(inputs, 3)) {
      const std::vector<double> bias = reals_of(inputs[3]);
      for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] += bias[static_cast<std::size_t>(offset + static_cast<std::int64_t>(i) % all)];
      }
    }
    return heads_first(x, s.batch, rows, s.heads, width);
  }
  std::int64_t heads_;
  double scale_, filter_;
  bool causal_;
};

}  // namespace
HALFTONE_OP_KERNEL_OF("com.microsoft", MultiHeadAttention, "MultiHeadAttention", 1, 1)
}  // namespace halftone::reference
