// GroupQueryAttention of com.microsoft: causal attention whose query heads share heads of keys and values (Ainslie et
// al., arXiv:2305.13245), with a cache of keys and values and rotary embeddings. Source: ONNX Runtime's
// ContribOperators.md.
#include "halftone/op_kernel.hpp"
#include "ops/attention_core.h"
#include "ops/reals.h"
#include "ops/rotary.h"

namespace halftone::reference {
namespace {

// Slots of its inputs: query, key, value, past_key, past_value, seqlens_k (the last position of each sample),
// total_sequence_length, cos_cache, sin_cache. Query holds all three, one after the other, where key and value are
// absent.
class GroupQueryAttention {
 public:
  explicit GroupQueryAttention(const sdk::OpNode &node)
      : heads_(node.integer("num_heads", 0)),
        kv_heads_(node.integer("kv_num_heads", 0)),
        window_(node.integer("local_window_size", -1)),
        scale_(node.number("scale", 0.0)),
        softcap_(node.number("softcap", 0.0)),
        rotary_(node.flag("do_rotary", false)),
        interleaved_(node.flag("rotary_interleaved", false)) {
    if (heads_ < 1 || kv_heads_ < 1 || heads_ % kv_heads_ != 0 || heads_ > (std::int64_t{1} << 31)) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "kv_num_heads does not divide num_heads");
    }
    if (node.flag("smooth_softmax", false)) throw sdk::Failure(HT_UNIMPLEMENTED, "smooth_softmax");
    for (std::size_t i = 9; i < node.input_count(); ++i) {
      if (node.has_input(i)) throw sdk::Failure(HT_UNIMPLEMENTED, "position_ids, attention_bias and sinks");
    }
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    const AttentionSizes s = sizes_of(inputs);
    if (count_of(inputs[5]) != s.batch)
      throw sdk::Failure(HT_INVALID_ARGUMENT, "seqlens_k has not one entry per sample");
    outputs.require_at_most(3);
    if (rotary_) require_caches(inputs, s);
    sdk::set_type(outputs[0], inputs[0].dtype, Shape{s.batch, s.rows, s.heads * s.width});
    for (std::size_t i = 1; i < outputs.size(); ++i) {
      sdk::set_type(outputs[i], inputs[0].dtype, Shape{s.batch, s.kv_heads, s.keys, s.width});
    }
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const AttentionSizes s = sizes_of(inputs);
    Shape past = integers_of(inputs[5]);  // positions before the first of this call
    const bool prompt = s.rows == integers_of(inputs[6]).at(0);
    for (std::int64_t &n : past) n = prompt ? 0 : n + 1 - s.rows;
    AttentionInputs in;
    in.q = part(inputs, 0, s);
    std::vector<double> k = part(inputs, 1, s);
    if (rotary_) {
      const RotaryCaches caches = {reals_of(inputs[7]), reals_of(inputs[8]), inputs[7].shape[1], interleaved_};
      turn(in.q, s.heads, s, past, caches);
      turn(k, s.kv_heads, s, past, caches);
    }
    in.k = cached(inputs, 3, k, s, past);
    in.v = cached(inputs, 4, part(inputs, 2, s), s, past);
    if (outputs.size() > 1) store_reals(in.k, outputs[1]);
    if (outputs.size() > 2) store_reals(in.v, outputs[2]);
    in.scale = scale_ != 0 ? scale_ : 1 / std::sqrt(static_cast<double>(s.width));
    in.softcap = softcap_;
    const auto mask = [&](std::int64_t b, std::int64_t, std::int64_t r, std::int64_t j) {
      const std::int64_t at = past[static_cast<std::size_t>(b)] + r;
      return j > at || (window_ > 0 && j < at - window_) ? kMasked : 0.0;  // so many keys before its own
    };
    const auto y = attend(s, in, mask, [](int, std::int64_t, const std::vector<double> &) {});
    store_reals(rows_first(y, s.batch, s.rows, s.heads, s.width), outputs[0]);
  }

 private:
  AttentionSizes sizes_of(sdk::KernelInputs inputs) const {
    const bool packed = !sdk::present(inputs, 1);
    const std::int64_t all = packed ? heads_ + 2 * kv_heads_ : heads_;
    if (inputs[0].rank != 3 || inputs[0].shape[2] % all != 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the heads do not divide the query");
    }
    const std::int64_t width = inputs[0].shape[2] / all,
                       past = sdk::present(inputs, 3) && inputs[3].rank == 4 ? inputs[3].shape[2] : 0;
    const Shape key = {inputs[0].shape[0], inputs[0].shape[1], kv_heads_ * width};
    if (!packed && (shape_copy(inputs[1]) != key || shape_copy(inputs[2]) != key)) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of query, key and value do not go together");
    }
    const std::int64_t keys = std::max(past, integers_of(inputs[6]).at(0));
    const AttentionSizes s = {inputs[0].shape[0], heads_, kv_heads_, inputs[0].shape[1], keys, width, width};
    require_past(inputs, 3, s, s.kv_heads);
    sdk::require_extents(Shape{s.batch, s.kv_heads, s.keys, s.width});  // of the cache, which run() makes
    return s;
  }
  static void require_caches(sdk::KernelInputs inputs, const AttentionSizes &s) {
    const ht_tensor_view &cosines = inputs[7], &sines = inputs[8];
    if (cosines.rank != 2 || shape_copy(cosines) != shape_copy(sines) || cosines.shape[1] < 1 ||
        cosines.shape[1] > s.width / 2) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of cos_cache and sin_cache do not fit the heads");
    }
  }
  // Query, key or value, heads first.
  std::vector<double> part(sdk::KernelInputs inputs, std::size_t slot, const AttentionSizes &s) const {
    const std::int64_t heads = slot == 0 ? s.heads : s.kv_heads;
    if (sdk::present(inputs, 1)) return heads_first(reals_of(inputs[slot]), s.batch, s.rows, heads, s.width);
    const std::vector<double> all = heads_first(reals_of(inputs[0]), s.batch, s.rows, heads_ + 2 * kv_heads_, s.width);
    const std::int64_t first = slot == 0 ? 0 : heads_ + static_cast<std::int64_t>(slot - 1) * kv_heads_;
    const std::int64_t plane = s.rows * s.width;
    std::vector<double> out;
    for (std::int64_t b = 0; b < s.batch; ++b) {
      const auto from = all.begin() + (b * (heads_ + 2 * kv_heads_) + first) * plane;
      out.insert(out.end(), from, from + heads * plane);
    }
    return out;
  }
  static void turn(std::vector<double> &x, std::int64_t heads, const AttentionSizes &s, const Shape &past,
                   const RotaryCaches &caches) {
    for (std::int64_t i = 0; i < s.batch * heads * s.rows; ++i) {
      const std::int64_t position = past[static_cast<std::size_t>(i / s.rows / heads)] + i % s.rows;
      caches.turn(x.data() + i * s.width, position);
    }
  }
  // The cache with the new rows at their positions.
  static std::vector<double> cached(sdk::KernelInputs inputs, std::size_t slot, const std::vector<double> &now,
                                    const AttentionSizes &s, const Shape &past) {
    std::vector<double> out(static_cast<std::size_t>(s.batch * s.kv_heads * s.keys * s.width), 0.0);
    const std::int64_t old = sdk::present(inputs, slot) ? inputs[slot].shape[2] : 0;
    const std::vector<double> before = old > 0 ? reals_of(inputs[slot]) : std::vector<double>{};
    for (std::int64_t plane = 0; plane < s.batch * s.kv_heads; ++plane) {
      const std::int64_t start = past[static_cast<std::size_t>(plane / s.kv_heads)];
      if (start < 0 || start > s.keys - s.rows)
        throw sdk::Failure(HT_INVALID_ARGUMENT, "seqlens_k does not fit the cache");
      const auto to = out.begin() + plane * s.keys * s.width;
      if (old > 0) std::copy_n(before.begin() + plane * old * s.width, old * s.width, to);
      std::copy_n(now.begin() + plane * s.rows * s.width, s.rows * s.width, to + start * s.width);
    }
    return out;
  }
  std::int64_t heads_, kv_heads_, window_;
  double scale_, softcap_;
  bool rotary_, interleaved_;
};

}  // namespace
HALFTONE_OP_KERNEL_OF("com.microsoft", GroupQueryAttention, "GroupQueryAttention", 1, 1)
}  // namespace halftone::reference
