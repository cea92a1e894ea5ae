// Attention of com.microsoft: one product gives query, key and value of all heads. Source: ONNX Runtime's
// ContribOperators.md.
#include <array>
#include <numeric>

#include "halftone/op_kernel.hpp"
#include "ops/attention_core.h"
#include "ops/product.h"
#include "ops/reals.h"

namespace halftone::reference {
namespace {

class MicrosoftAttention {
 public:
  explicit MicrosoftAttention(const sdk::OpNode &node)
      : heads_(node.integer("num_heads", 0)),
        sizes_(node.integers("qkv_hidden_sizes")),
        causal_(node.flag("unidirectional", false)),
        scale_(node.number("scale", 0.0)),
        filter_(node.number("mask_filter_value", -10000.0)) {
    if (heads_ < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "its num_heads is not positive");
    if (node.flag("do_rotary", false) || node.flag("past_present_share_buffer", false) || node.has_input(6)) {
      throw sdk::Failure(HT_UNIMPLEMENTED, "do_rotary and a shared buffer of past and present");
    }
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    const AttentionSizes s = sizes_of(inputs);
    require_masks(inputs, s);
    sdk::set_type(outputs[0], inputs[0].dtype, Shape{s.batch, s.rows, s.heads * s.value_width});
    if (outputs.size() > 1) sdk::set_type(outputs[1], inputs[0].dtype, Shape{2, s.batch, s.heads, s.keys, s.width});
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const AttentionSizes s = sizes_of(inputs);
    AttentionInputs in;
    in.q = projected(inputs, s, 0);
    in.k = projected(inputs, s, 1);
    in.v = projected(inputs, s, 2);
    if (sdk::present(inputs, 4)) {
      const std::vector<double> past = reals_of(inputs[4]);
      const auto half = past.begin() + static_cast<std::ptrdiff_t>(past.size() / 2);
      in.k = joined_rows({past.begin(), half}, in.k, s.batch * s.heads);
      in.v = joined_rows({half, past.end()}, in.v, s.batch * s.heads);
    }
    if (outputs.size() > 1 && outputs[1].data != nullptr) {
      std::vector<double> present = in.k;
      present.insert(present.end(), in.v.begin(), in.v.end());
      store_reals(present, outputs[1]);
    }
    in.scale = scale_ != 0 ? scale_ : 1 / std::sqrt(static_cast<double>(s.width));
    const std::vector<double> bias = sdk::present(inputs, 5) ? reals_of(inputs[5]) : std::vector<double>{};
    const Shape all = {s.batch, s.heads, s.rows, s.keys};
    const Shape step = bias.empty() ? Shape(4, 0) : broadcast_strides(shape_of(inputs[5]), all);
    const Shape mask = sdk::present(inputs, 3) ? integers_of(inputs[3]) : Shape{};
    const auto added = [&](std::int64_t b, std::int64_t h, std::int64_t r, std::int64_t j) {
      if (causal_ && j > r + s.keys - s.rows) return kMasked;
      const bool open = mask.empty() || allowed(mask, inputs[3].rank, s, b, r, j);
      const std::int64_t at = b * step[0] + h * step[1] + r * step[2] + j * step[3];
      return (open ? 0.0 : filter_) + (bias.empty() ? 0.0 : bias[static_cast<std::size_t>(at)]);
    };
    const auto y = attend(s, in, added, [](int, std::int64_t, const std::vector<double> &) {});
    store_reals(rows_first(y, s.batch, s.rows, s.heads, s.value_width), outputs[0]);
  }

 private:
  // The mask holds 0 or 1 per key, [batch, keys] or [batch, rows, keys], or [batch] numbers of keys, after which
  // [batch] first keys may follow.
  static bool allowed(const Shape &mask, std::uint32_t rank, const AttentionSizes &s, std::int64_t b, std::int64_t r,
                      std::int64_t j) {
    const auto at = [&](std::int64_t i) { return mask[static_cast<std::size_t>(i)]; };
    if (rank == 3) return at((b * s.rows + r) * s.keys + j) != 0;
    if (rank == 2) return at(b * s.keys + j) != 0;
    const bool has_starts = static_cast<std::int64_t>(mask.size()) >= 2 * s.batch;
    return j < at(b) && (!has_starts || j >= at(s.batch + b));
  }
  std::array<std::int64_t, 3> widths(sdk::KernelInputs inputs) const {
    if (sizes_.size() == 3) return {sizes_[0], sizes_[1], sizes_[2]};
    const std::int64_t third = inputs[1].shape[1] / 3;
    return {third, third, third};
  }
  AttentionSizes sizes_of(sdk::KernelInputs inputs) const {
    if (inputs[0].rank != 3 || inputs[1].rank != 2 || inputs[0].shape[2] != inputs[1].shape[0]) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of input and weights do not fit");
    }
    const auto w = widths(inputs);
    if (std::ranges::min(w) < 0 || std::ranges::max(w) > inputs[1].shape[1] || w[0] != w[1] || w[0] % heads_ != 0 ||
        w[2] % heads_ != 0 || w[0] + w[1] + w[2] != inputs[1].shape[1]) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "num_heads and qkv_hidden_sizes do not fit the weights");
    }
    AttentionSizes s = {inputs[0].shape[0], heads_,        heads_,       inputs[0].shape[1],
                        inputs[0].shape[1], w[0] / heads_, w[2] / heads_};
    if (!sdk::present(inputs, 4)) return s;
    const ht_tensor_view &past = inputs[4];
    if (past.rank != 5 || w[0] != w[2] || shape_copy(past) != Shape{2, s.batch, heads_, past.shape[3], s.width}) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "past is not [2, batch, heads, steps, width]");
    }
    s.keys += past.shape[3];
    return s;
  }
  static void require_masks(sdk::KernelInputs inputs, const AttentionSizes &s) {
    if (sdk::present(inputs, 3)) {
      const Shape mask = shape_copy(inputs[3]);
      if (mask != Shape{s.batch} && mask != Shape{2 * s.batch} && mask != Shape{s.batch, s.keys} &&
          mask != Shape{s.batch, s.rows, s.keys}) {
        throw sdk::Failure(HT_UNIMPLEMENTED,
                           "mask_index is neither one or two numbers per sample nor one flag per key");
      }
    }
    const Shape scores = {s.batch, s.heads, s.rows, s.keys};
    if (sdk::present(inputs, 5) && broadcast(scores, shape_of(inputs[5])) != scores) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shape of attention_bias does not broadcast to that of the scores");
    }
  }
  // Query, key or value of all heads, heads first.
  std::vector<double> projected(sdk::KernelInputs inputs, const AttentionSizes &s, std::size_t part) const {
    const auto w = widths(inputs);
    const std::int64_t offset =
        std::accumulate(w.begin(), w.begin() + static_cast<std::ptrdiff_t>(part), std::int64_t{0});
    const std::int64_t depth = inputs[1].shape[0], all = inputs[1].shape[1], n = w[part], rows = s.batch * s.rows;
    const std::vector<double> x = reals_of(inputs[0]), weights = reals_of(inputs[1]),
                              bias = reals_or(inputs, 2, all, 0.0);
    std::vector<double> own, y(static_cast<std::size_t>(rows * n));
    for (std::int64_t i = 0; i < depth * n; ++i) {
      own.push_back(weights[static_cast<std::size_t>(i / n * all + offset + i % n)]);
    }
    product(x.data(), own.data(), y.data(), rows, n, depth);
    for (std::int64_t i = 0; i < rows * n; ++i) {
      y[static_cast<std::size_t>(i)] += bias[static_cast<std::size_t>(offset + i % n)];
    }
    return heads_first(y, s.batch, s.rows, s.heads, n / s.heads);
  }
  std::int64_t heads_;
  Shape sizes_;
  bool causal_;
  double scale_, filter_;
};

}  // namespace
HALFTONE_OP_KERNEL_OF("com.microsoft", MicrosoftAttention, "Attention", 1, 1)
}  // namespace halftone::reference
