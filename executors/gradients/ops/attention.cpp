// Gradient of ONNX's Attention by query, key, value and a mask that is added. With a cache of the past it is refused,
// and so is what flows into the present keys and values or into the scores that it puts out.
#include "attention_backward.h"
#include "ops/reals.h"
#include "sums.h"

namespace halftone::gradients {
namespace {

using reference::AttentionSizes;

class AttentionGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1, 2, 3, 6),
                                            .differentiates = sdk::slots(0, 1, 2, 3)};
  explicit AttentionGradient(const sdk::OpNode &node)
      : causal_(node.flag("is_causal", false)),
        q_heads_(node.integer("q_num_heads", 0)),
        kv_heads_(node.integer("kv_num_heads", 0)),
        scale_(node.number("scale", 0.0)),
        softcap_(node.number("softcap", 0.0)) {
    if (node.has_input(4) || node.has_input(5))
      throw sdk::Failure(HT_UNIMPLEMENTED, "a cache of the past has no gradient");
  }
  void backward(const sdk::Backward &pass) const {
    for (const std::size_t slot : {1, 2, 3}) {
      if (pass.arrives(slot)) throw sdk::Failure(HT_UNIMPLEMENTED, "a gradient of output " + std::to_string(slot));
    }
    const bool flat = pass.input_shape(0).size() == 3;
    const AttentionSizes s = sizes_of(pass);
    const auto heads_first = [&](std::span<const float> values, std::int64_t rows, std::int64_t heads,
                                 std::int64_t width) {
      const std::vector<double> x(values.begin(), values.end());
      return flat ? reference::heads_first(x, s.batch, rows, heads, width) : x;
    };
    reference::AttentionInputs in;
    in.q = heads_first(pass.x(0), s.rows, s.heads, s.width);
    in.k = heads_first(pass.x(1), s.keys, s.kv_heads, s.width);
    in.v = heads_first(pass.x(2), s.keys, s.kv_heads, s.value_width);
    in.scale = scale_ != 0 ? scale_ : 1 / std::sqrt(static_cast<double>(s.width));
    in.softcap = softcap_;
    const Mask mask(pass, s, causal_);
    const AttentionGradients d = attend_backward(s, in, heads_first(pass.dy(), s.rows, s.heads, s.value_width), mask);
    const auto store = [&](std::size_t slot, const std::vector<double> &values, std::int64_t rows, std::int64_t heads,
                           std::int64_t width) {
      if (!pass.wants(slot)) return;
      const std::vector<double> out = flat ? reference::rows_first(values, s.batch, rows, heads, width) : values;
      std::ranges::transform(out, pass.dx(slot).begin(), [](double v) { return static_cast<float>(v); });
    };
    store(0, d.q, s.rows, s.heads, s.width);
    store(1, d.k, s.keys, s.kv_heads, s.width);
    store(2, d.v, s.keys, s.kv_heads, s.value_width);
    mask.backward(pass, s, d.scores);
  }

 private:
  // attn_mask, boolean or added; the triangle of is_causal; and the keys of each sample that are no padding.
  class Mask {
   public:
    Mask(const sdk::Backward &pass, const AttentionSizes &s, bool causal) : causal_(causal) {
      if (pass.has_input(6)) valid_ = integers_of(pass.input(6));
      if (!pass.has_input(3)) return;
      const ShapeSpan shape = pass.input_shape(3);
      bool_ = pass.input_dtype(3) == HT_BOOL;
      ht_tensor_view mask = pass.input(3);
      if (bool_) mask.dtype = HT_U8;
      values_ = reference::reals_of(mask);
      keys_ = shape.empty() ? 1 : shape.back();
      step_ = broadcast_strides(shape, Shape{s.batch, s.heads, s.rows, s.keys});
    }
    double operator()(std::int64_t b, std::int64_t h, std::int64_t r, std::int64_t j) const {
      if (causal_ && j > r) return reference::kMasked;
      if (!valid_.empty() && j >= valid_[static_cast<std::size_t>(b) % valid_.size()]) return reference::kMasked;
      if (values_.empty()) return 0;
      if (keys_ != 1 && j >= keys_) return reference::kMasked;  // a short mask forbids what it does not reach
      const double value = values_[static_cast<std::size_t>(at(b, h, r, j))];
      return bool_ ? (value != 0 ? 0 : reference::kMasked) : value;
    }
    // To the mask; what it forbids, or does not reach, has none.
    void backward(const sdk::Backward &pass, const AttentionSizes &s, const std::vector<double> &scores) const {
      if (!pass.wants(3)) return;
      Sums sums(pass.dx(3));
      const Shape all = {s.batch, s.heads, s.rows, s.keys};
      const Shape stride = strides_of(all);
      for (std::int64_t i = 0; i < count_of(all); ++i) {
        const std::int64_t j = i % s.keys;
        if (keys_ != 1 && j >= keys_) continue;
        sums[at(i / stride[0], i / stride[1] % s.heads, i / stride[2] % s.rows, j)] +=
            scores[static_cast<std::size_t>(i)];
      }
      sums.store();
    }

   private:
    std::int64_t at(std::int64_t b, std::int64_t h, std::int64_t r, std::int64_t j) const {
      return b * step_[0] + h * step_[1] + r * step_[2] + j * step_[3];
    }
    bool causal_, bool_ = false;
    std::int64_t keys_ = 1;
    Shape valid_, step_;
    std::vector<double> values_;
  };
  AttentionSizes sizes_of(const sdk::Backward &pass) const {
    const ShapeSpan q = pass.input_shape(0), k = pass.input_shape(1), v = pass.input_shape(2);
    if (q.size() == 4) return {q[0], q[1], k[1], q[2], k[2], q[3], v[3]};
    return {q[0], q_heads_, kv_heads_, q[1], k[1], q[2] / q_heads_, v[2] / kv_heads_};
  }
  bool causal_;
  std::int64_t q_heads_, kv_heads_;
  double scale_, softcap_;
};

}  // namespace
HALFTONE_OP_GRADIENT(AttentionGradient, "Attention", 23, kNewest)
}  // namespace halftone::gradients
