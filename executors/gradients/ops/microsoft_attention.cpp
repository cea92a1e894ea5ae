// Gradient of Attention of com.microsoft, whose weights make query, key and value of one input: by the input, the
// weights, their bias, and the bias of the scores. With a cache of the past it is refused.
#include "attention_backward.h"
#include "matrices.h"
#include "sums.h"

namespace halftone::gradients {
namespace {

using reference::AttentionSizes;

// Slots of its inputs: input, weights, bias, mask_index, past, attention_bias.
class MicrosoftAttentionGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1, 2, 3, 5),
                                            .differentiates = sdk::slots(0, 1, 2, 5)};
  explicit MicrosoftAttentionGradient(const sdk::OpNode &node)
      : heads_(node.integer("num_heads", 0)),
        sizes_(node.integers("qkv_hidden_sizes")),
        causal_(node.flag("unidirectional", false)),
        scale_(node.number("scale", 0.0)),
        filter_(node.number("mask_filter_value", -10000.0)) {
    if (heads_ < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "its num_heads is not positive");
    if (node.flag("do_rotary", false)) throw sdk::Failure(HT_UNIMPLEMENTED, "do_rotary");
    if (node.has_input(4)) throw sdk::Failure(HT_UNIMPLEMENTED, "a cache of the past has no gradient");
  }
  void backward(const sdk::Backward &pass) const {
    if (pass.arrives(1)) throw sdk::Failure(HT_UNIMPLEMENTED, "a gradient of the present keys and values");
    const ShapeSpan x = pass.input_shape(0), w = pass.input_shape(1);
    const std::int64_t third = w[1] / 3;
    const Shape widths = sizes_.size() == 3 ? sizes_ : Shape{third, third, third};
    const AttentionSizes s = {x[0], heads_, heads_, x[1], x[1], widths[0] / heads_, widths[2] / heads_};
    const Matrix rows = {s.batch * s.rows, x[2], false}, weights = {x[2], w[1], false};
    const Matrix joined = {s.batch * s.rows, w[1], false};
    std::vector<double> qkv = projected(pass, rows, weights, joined);
    reference::AttentionInputs in;
    in.q = part(qkv, s, widths, 0);
    in.k = part(qkv, s, widths, 1);
    in.v = part(qkv, s, widths, 2);
    in.scale = scale_ != 0 ? scale_ : 1 / std::sqrt(static_cast<double>(s.width));
    const Shape all = {s.batch, s.heads, s.rows, s.keys};
    const Shape step = pass.has_input(5) ? broadcast_strides(pass.input_shape(5), all) : Shape(4, 0);
    const AttentionGradients d = attended(pass, s, in, step);
    std::ranges::fill(qkv, 0.0);
    join(d.q, s, widths, 0, qkv);
    join(d.k, s, widths, 1, qkv);
    join(d.v, s, widths, 2, qkv);
    store(pass, rows, weights, joined, qkv);
    if (!pass.wants(5)) return;
    Sums sums(pass.dx(5));
    for_each_element<2>(all, {strides_of(all), step},
                        [&](const auto &at) { sums[at[1]] += d.scores[static_cast<std::size_t>(at[0])]; });
    sums.store();
  }

 private:
  static std::vector<double> projected(const sdk::Backward &pass, Matrix rows, Matrix weights, Matrix joined) {
    std::vector<double> out(static_cast<std::size_t>(joined.rows * joined.columns), 0.0);
    add_product(rows, pass.x(0).data(), weights, pass.x(1).data(), 1.0, joined, out.data());
    if (!pass.has_input(2)) return out;
    const auto bias = pass.x(2);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += static_cast<double>(bias[i % bias.size()]);
    return out;
  }
  static void store(const sdk::Backward &pass, Matrix rows, Matrix weights, Matrix joined,
                    const std::vector<double> &d) {
    if (pass.wants(0)) {
      Sums dx(pass.dx(0));
      add_product(joined, d.data(), weights.turned(), pass.x(1).data(), 1.0, rows, dx.data());
      dx.store();
    }
    if (pass.wants(1)) {
      Sums dw(pass.dx(1));
      add_product(rows.turned(), pass.x(0).data(), joined, d.data(), 1.0, weights, dw.data());
      dw.store();
    }
    if (!pass.wants(2)) return;
    Sums bias(pass.dx(2));
    for (std::size_t i = 0; i < d.size(); ++i) bias[static_cast<std::int64_t>(i) % joined.columns] += d[i];
    bias.store();
  }
  AttentionGradients attended(const sdk::Backward &pass, const AttentionSizes &s, const reference::AttentionInputs &in,
                              const Shape &step) const {
    const auto bias = pass.has_input(5) ? pass.x(5) : std::span<const float>();
    const Shape mask = pass.has_input(3) ? integers_of(pass.input(3)) : Shape{};
    const std::size_t rank = pass.has_input(3) ? pass.input_shape(3).size() : 0;
    const std::vector<double> given(pass.dy().begin(), pass.dy().end());
    return attend_backward(s, in, reference::heads_first(given, s.batch, s.rows, s.heads, s.value_width),
                           [&](std::int64_t b, std::int64_t h, std::int64_t r, std::int64_t j) {
                             if (causal_ && j > r) return reference::kMasked;
                             const std::int64_t at = b * step[0] + h * step[1] + r * step[2] + j * step[3];
                             const bool open = mask.empty() || allowed(mask, rank, s, b, r, j);
                             return (open ? 0.0 : filter_) +
                                    (bias.empty() ? 0.0 : static_cast<double>(bias[static_cast<std::size_t>(at)]));
                           });
  }
  // 0 or 1 per key, [batch, keys] or [batch, rows, keys], or numbers of keys, after which first keys may follow.
  static bool allowed(const Shape &mask, std::size_t rank, const AttentionSizes &s, std::int64_t b, std::int64_t r,
                      std::int64_t j) {
    const auto at = [&](std::int64_t i) { return mask.at(static_cast<std::size_t>(i)); };
    if (rank == 3) return at((b * s.rows + r) * s.keys + j) != 0;
    if (rank == 2) return at(b * s.keys + j) != 0;
    const bool has_starts = static_cast<std::int64_t>(mask.size()) >= 2 * s.batch;
    return j < at(b) && (!has_starts || j >= at(s.batch + b));
  }
  static std::int64_t offset_of(const Shape &widths, std::size_t which) {
    return which == 0 ? 0 : (which == 1 ? widths[0] : widths[0] + widths[1]);
  }
  // Query, key or value out of the joined rows, heads first; and back.
  static std::vector<double> part(const std::vector<double> &joined, const AttentionSizes &s, const Shape &widths,
                                  std::size_t which) {
    const std::int64_t all = widths[0] + widths[1] + widths[2], n = widths[which], rows = s.batch * s.rows;
    std::vector<double> out;
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto from = joined.begin() + r * all + offset_of(widths, which);
      out.insert(out.end(), from, from + n);
    }
    return reference::heads_first(out, s.batch, s.rows, s.heads, n / s.heads);
  }
  static void join(const std::vector<double> &own, const AttentionSizes &s, const Shape &widths, std::size_t which,
                   std::vector<double> &joined) {
    const std::int64_t all = widths[0] + widths[1] + widths[2], n = widths[which];
    const std::vector<double> rows = reference::rows_first(own, s.batch, s.rows, s.heads, n / s.heads);
    for (std::int64_t r = 0; r < s.batch * s.rows; ++r) {
      std::copy_n(rows.begin() + r * n, n, joined.begin() + r * all + offset_of(widths, which));
    }
  }
  std::int64_t heads_;
  Shape sizes_;
  bool causal_;
  double scale_, filter_;
};

}  // namespace
HALFTONE_OP_GRADIENT_OF("com.microsoft", MicrosoftAttentionGradient, "Attention", 1, 1)
}  // namespace halftone::gradients
