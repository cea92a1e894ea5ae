// BatchNormalization in inference: one factor and one shift for each channel.
#include <algorithm>
#include <cmath>

#include "../builder.h"

namespace halftone::onednn {
namespace {

struct Affine {
  std::vector<float> factor, shift;
};

// Runs of `run` elements of one channel each ([channel][run], or [channel / 8][pixel][8] where `block` is 8).
struct ChannelLoop {
  std::int64_t outer, channels, run, block;
  float floor;  // 0 for a ReLU behind it
};

void scale_plain(const ChannelLoop &l, const float *x, const float *factor, const float *shift, float *y) {
  for (std::int64_t n = 0; n < l.outer; ++n) {
    for (std::int64_t c = 0; c < l.channels; ++c, x += l.run, y += l.run) {
      for (std::int64_t i = 0; i < l.run; ++i) y[i] = std::max(x[i] * factor[c] + shift[c], l.floor);
    }
  }
}

template <std::int64_t kBlock>
void scale_blocked(const ChannelLoop &l, const float *x, const float *factor, const float *shift, float *y) {
  for (std::int64_t n = 0; n < l.outer; ++n) {
    for (std::int64_t c = 0; c < l.channels; c += kBlock) {
      for (std::int64_t i = 0; i < l.run; ++i, x += kBlock, y += kBlock) {
        for (std::int64_t k = 0; k < kBlock; ++k) y[k] = std::max(x[k] * factor[c + k] + shift[c + k], l.floor);
      }
    }
  }
}

class BatchNormalization final : public NativeOp {
 public:
  explicit BatchNormalization(const sdk::OpNode &node)
      : epsilon_(node.number("epsilon", 1e-5)), training_(node.flag("training_mode", false)) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    Affine affine;
    const int x = node.inputs[0], out = node.outputs[0];
    if (!b.is_available(x) || b.shape(x).size() < 2 || !read(b, node, affine)) return false;
    Placed source = b.current(x);
    std::int64_t block = block_of(source.desc);
    if (block == 0) source = b.plain(x);
    if (block <= 1) block = 1;
    const auto lanes = static_cast<std::size_t>((b.shape(x)[1] + block - 1) / block * block);
    affine.factor.resize(lanes, 0.0F);
    affine.shift.resize(lanes, 0.0F);

    const PostChain chain = b.find_chain(out, {false, [](const PostOp &op) {
                                                 return op.algorithm == api::algorithm::eltwise_relu && op.alpha == 0;
                                               }});
    const Shape &shape = b.shape(x);
    const ChannelLoop loop{shape[0], static_cast<std::int64_t>(lanes), count_of(std::span(shape).subspan(2)), block,
                           chain.empty() ? -INFINITY : 0.0F};
    const int target = b.writable(node, x, source) ? source.buffer : b.allocate(source.bytes());
    b.loop({source.buffer, target}, [loop, affine, from = source.buffer, target](Run &run) {
      const auto *in = static_cast<const float *>(run.workspace.at(from));
      auto *to = static_cast<float *>(run.workspace.at(target));
      const auto body = loop.block == 8 ? &scale_blocked<8> : loop.block == 16 ? &scale_blocked<16> : &scale_plain;
      body(loop, in, affine.factor.data(), affine.shift.data(), to);
    });
    b.define(b.commit(chain, out), {source.desc, target});
    return true;
  }

  bool fuse(const Builder &b, const NodeRecord &node, int value, PostChain &chain) const override {
    Affine affine;
    if (node.inputs[0] != value || b.shape(chain.head).size() < 2 || !read(b, node, affine)) return false;
    PostOp op;
    op.binary = true;
    op.broadcast = {Broadcast::kAxis, 1};
    op.algorithm = api::algorithm::binary_mul;
    op.numbers = affine.factor;
    chain.ops.push_back(op);
    op.algorithm = api::algorithm::binary_add;
    op.numbers = affine.shift;
    chain.ops.push_back(op);
    return true;
  }

 private:
  // 8 or 16 for channels in blocks, 1 for row-major, 0 for anything else.
  static std::int64_t block_of(const Desc &desc) {
    if (row_major(desc)) return 1;
    const api::Blocking b = api::blocking_of(desc);
    const bool channels = b.inner_sizes.size() == 1 && b.inner_axes[0] == 1;
    if (!channels || (b.inner_sizes[0] != 8 && b.inner_sizes[0] != 16)) return 0;
    // Outer axes in their own order.
    return std::is_sorted(b.strides.begin(), b.strides.end(), std::greater<>()) ? b.inner_sizes[0] : 0;
  }

  bool read(const Builder &b, const NodeRecord &node, Affine &affine) const {
    if (training_ || node.inputs.size() < 5) return false;
    const Constant *parts[4];
    for (std::size_t i = 0; i < 4; ++i) {
      parts[i] = b.constant(node.inputs[i + 1]);
      if (parts[i] == nullptr || parts[i]->layout.dtype != HT_F32) return false;
    }
    for (std::size_t i = 1; i < node.outputs.size(); ++i) {
      if (b.is_read(node.outputs[i])) return false;
    }
    const auto channels = static_cast<std::size_t>(count_of(parts[0]->layout.shape));
    for (std::size_t c = 0; c < channels; ++c) {
      const double factor = parts[0]->floats()[c] / std::sqrt(double{parts[3]->floats()[c]} + epsilon_);
      affine.factor.push_back(static_cast<float>(factor));
      affine.shift.push_back(static_cast<float>(parts[1]->floats()[c] - parts[2]->floats()[c] * factor));
    }
    return true;
  }
  double epsilon_;
  bool training_;
};

const NativeEntry kBatchNormalization("BatchNormalization", &make_native<BatchNormalization>);

}  // namespace
}  // namespace halftone::onednn
