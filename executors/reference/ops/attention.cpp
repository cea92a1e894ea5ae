// Attention of ONNX: scaled dot products (Vaswani et al., arXiv:1706.03762) with masks, grouped heads, caches and
// softcap. Source: ONNX operator Attention, opset 23 and 24.
#include "halftone/op_kernel.hpp"
#include "ops/attention_core.h"
#include "ops/reals.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Attention {
 public:
  explicit Attention(const sdk::OpNode &node)
      : causal_(node.flag("is_causal", false)),
        q_heads_(node.integer("q_num_heads", 0)),
        kv_heads_(node.integer("kv_num_heads", 0)),
        scores_(node.integer("qk_matmul_output_mode", 0)),
        scale_(node.number("scale", 0.0)),
        softcap_(node.number("softcap", 0.0)) {
    if (scores_ < 0 || scores_ > 3) throw sdk::Failure(HT_INVALID_ARGUMENT, "qk_matmul_output_mode is none of 0 to 3");
  }

  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    for (int i = 0; i < 3; ++i) require_type(inputs[i].dtype, FloatTypes{});
    const AttentionSizes s = sizes_of(inputs);
    const bool flat = inputs[0].rank == 3;
    sdk::set_type(
        outputs[0], inputs[0].dtype,
        flat ? Shape{s.batch, s.rows, s.heads * s.value_width} : Shape{s.batch, s.heads, s.rows, s.value_width});
    if (outputs.size() > 1) sdk::set_type(outputs[1], inputs[1].dtype, Shape{s.batch, s.kv_heads, s.keys, s.width});
    if (outputs.size() > 2)
      sdk::set_type(outputs[2], inputs[2].dtype, Shape{s.batch, s.kv_heads, s.keys, s.value_width});
    if (outputs.size() > 3) sdk::set_type(outputs[3], inputs[0].dtype, Shape{s.batch, s.heads, s.rows, s.keys});
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const AttentionSizes s = sizes_of(inputs);
    const std::int64_t past = past_of(inputs), now = s.keys - past;
    AttentionInputs in;
    in.q = reals_of(inputs[0]);
    in.k = reals_of(inputs[1]);
    in.v = reals_of(inputs[2]);
    if (inputs[0].rank == 3) {
      in.q = heads_first(in.q, s.batch, s.rows, s.heads, s.width);
      in.k = heads_first(in.k, s.batch, now, s.kv_heads, s.width);
      in.v = heads_first(in.v, s.batch, now, s.kv_heads, s.value_width);
    }
    if (past > 0) {
      in.k = joined_rows(reals_of(inputs[4]), in.k, s.batch * s.kv_heads);
      in.v = joined_rows(reals_of(inputs[5]), in.v, s.batch * s.kv_heads);
    }
    in.scale = scale_ != 0 ? scale_ : 1 / std::sqrt(static_cast<double>(s.width));
    in.softcap = softcap_;
    if (outputs.size() > 1) store_reals(in.k, outputs[1]);
    if (outputs.size() > 2) store_reals(in.v, outputs[2]);
    std::vector<double> kept(outputs.size() > 3 ? static_cast<std::size_t>(count_of(outputs[3])) : 0);
    const Mask mask(inputs, s, causal_, past);
    std::vector<double> y = attend(s, in, mask, [&](int stage, std::int64_t row, const std::vector<double> &scores) {
      // The mode counts: as computed, with the mask, with softcap, as weights.
      constexpr int kStages[] = {0, 2, 1, 3};
      if (!kept.empty() && stage == kStages[scores_]) std::ranges::copy(scores, kept.begin() + row * s.keys);
    });
    if (!kept.empty()) store_reals(kept, outputs[3]);
    store_reals(inputs[0].rank == 3 ? rows_first(y, s.batch, s.rows, s.heads, s.value_width) : y, outputs[0]);
  }

 private:
  // attn_mask, boolean or added, broadcast over batch, head and row; the triangle of is_causal; and since opset 24 the
  // number of keys of each sample that are no padding.
  class Mask {
   public:
    Mask(sdk::KernelInputs inputs, const AttentionSizes &s, bool causal, std::int64_t past)
        : causal_(causal), past_(past) {
      if (sdk::present(inputs, 6)) valid_ = integers_of(inputs[6]);
      if (!sdk::present(inputs, 3)) return;
      bool_ = inputs[3].dtype == HT_BOOL;
      ht_tensor_view mask = inputs[3];
      if (bool_) mask.dtype = HT_U8;
      values_ = reals_of(mask);
      const Shape all = {s.batch, s.heads, s.rows, s.keys};
      Shape shape = shape_copy(mask);
      keys_ = shape.empty() ? 1 : shape.back();
      if (keys_ < s.keys && keys_ != 1) shape.back() = s.keys;  // a short mask forbids what it does not reach
      if (broadcast(all, shape) != all) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "the shape of attn_mask does not broadcast to that of the scores");
      }
      step_ = broadcast_strides(shape_of(mask), all);
    }
    double operator()(std::int64_t b, std::int64_t h, std::int64_t r, std::int64_t j) const {
      if (causal_ && j > r + past_) return kMasked;
      if (!valid_.empty() && j >= valid_[static_cast<std::size_t>(b) % valid_.size()]) return kMasked;
      if (values_.empty()) return 0;
      if (keys_ != 1 && j >= keys_) return kMasked;
      const double value = values_[static_cast<std::size_t>(b * step_[0] + h * step_[1] + r * step_[2] + j * step_[3])];
      return bool_ ? (value != 0 ? 0 : kMasked) : value;
    }

   private:
    bool causal_, bool_ = false;
    std::int64_t past_, keys_ = 1;
    Shape valid_, step_;
    std::vector<double> values_;
  };

  static std::int64_t past_of(sdk::KernelInputs inputs) {
    return sdk::present(inputs, 4) && inputs[4].rank == 4 ? inputs[4].shape[2] : 0;
  }
  AttentionSizes sizes_of(sdk::KernelInputs inputs) const {
    const ShapeSpan q = shape_of(inputs[0]), k = shape_of(inputs[1]), v = shape_of(inputs[2]);
    if (q.size() != k.size() || q.size() != v.size() || (q.size() != 3 && q.size() != 4)) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "Q, K and V must all have three axes, or all four");
    }
    AttentionSizes s;
    s.batch = q[0];
    if (q.size() == 4) {
      s = {q[0], q[1], k[1], q[2], k[2], q[3], v[3]};
    } else {
      if (q_heads_ < 1 || kv_heads_ < 1 || q[2] % q_heads_ != 0 || k[2] % kv_heads_ != 0 || v[2] % kv_heads_ != 0) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "q_num_heads and kv_num_heads do not divide Q, K and V");
      }
      s = {q[0], q_heads_, kv_heads_, q[1], k[1], q[2] / q_heads_, v[2] / kv_heads_};
    }
    if (k[0] != q[0] || v[0] != q[0] || s.kv_heads < 1 || s.heads % s.kv_heads != 0 ||
        (q.size() == 4 ? k[3] != q[3] || v[2] != k[2] : k[2] / kv_heads_ != s.width || v[1] != k[1])) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of Q, K and V do not go together");
    }
    require_past(inputs, 4, s, s.kv_heads);
    s.keys += past_of(inputs);
    if (sdk::present(inputs, 6) && count_of(inputs[6]) != s.batch) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "nonpad_kv_seqlen has not one entry per sample");
    }
    return s;
  }
  bool causal_;
  std::int64_t q_heads_, kv_heads_, scores_;
  double scale_, softcap_;
};

}  // namespace
HALFTONE_OP_KERNEL(Attention, "Attention", 23, kNewest)
}  // namespace halftone::reference
