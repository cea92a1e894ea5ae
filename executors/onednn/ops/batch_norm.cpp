// BatchNormalization in inference: one factor and one shift for each channel.
#include <algorithm>
#include <cmath>

#include "../builder.h"

namespace halftone::onednn {
namespace {

// Lanes of channels behind each pixel: 1 in row-major order ([channel][pixel]), 8 or 16 in blocks ([channel /
// 8][pixel][8]), all of them where channels come last ([pixel][channel]).
struct ChannelLoop {
  std::int64_t outer, channels, pixels, lanes;
  float floor;  // 0 for a ReLU behind it
};

void scale_row_major(const ChannelLoop &l, const float *x, const Affine &by, float *y) {
  for (std::int64_t n = 0; n < l.outer * l.channels; ++n, x += l.pixels, y += l.pixels) {
    const auto c = static_cast<std::size_t>(n % l.channels);
    const float factor = by.factor[c], shift = by.shift[c];
    for (std::int64_t i = 0; i < l.pixels; ++i) y[i] = std::max(x[i] * factor + shift, l.floor);
  }
}

void scale_lanes(const ChannelLoop &l, const float *x, const Affine &by, float *y) {
  for (std::int64_t n = 0; n < l.outer; ++n) {
    for (std::int64_t c = 0; c < l.channels; c += l.lanes) {
      const float *factor = by.factor.data() + c, *shift = by.shift.data() + c;
      for (std::int64_t i = 0; i < l.pixels; ++i, x += l.lanes, y += l.lanes) {
        for (std::int64_t k = 0; k < l.lanes; ++k) y[k] = std::max(x[k] * factor[k] + shift[k], l.floor);
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
    std::int64_t lanes = lanes_of(source.desc);
    if (lanes == 0) source = b.plain(x), lanes = 1;
    const auto channels = static_cast<std::size_t>((b.shape(x)[1] + lanes - 1) / lanes * lanes);
    affine.factor.resize(channels, 0.0F);  // padding stays zero
    affine.shift.resize(channels, 0.0F);

    const PostChain chain = b.find_chain(
        out, {false, [](const PostOp &op) { return op.algorithm == api::algorithm::eltwise_relu && op.alpha == 0; }});
    const Shape &shape = b.shape(x);
    const ChannelLoop loop{shape[0], static_cast<std::int64_t>(channels), count_of(std::span(shape).subspan(2)), lanes,
                           chain.empty() ? -INFINITY : 0.0F};
    const int target = b.writable(node, x, source) ? source.buffer : b.allocate(source.bytes());
    b.loop({source.buffer, target}, [loop, affine, from = source.buffer, target](Run &run) {
      const auto body = loop.lanes == 1 ? &scale_row_major : &scale_lanes;
      body(loop, static_cast<const float *>(run.workspace.at(from)), affine,
           static_cast<float *>(run.workspace.at(target)));
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
  // Zero for a layout that the loops do not know.
  static std::int64_t lanes_of(const Desc &desc) {
    if (row_major(desc)) return 1;
    const Order order = order_of(desc);
    if (order.block < 0) return 0;
    if (order.block == 0) return order.axes.back() == 1 && order.axes.front() == 0 ? api::dims_of(desc)[1] : 0;
    return order.block_axis == 1 && std::is_sorted(order.axes.begin(), order.axes.end()) ? order.block : 0;
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
