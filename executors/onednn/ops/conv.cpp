// Conv: the layout is oneDNN's choice, element-wise followers run inside it.
#include <string_view>

#include "window.h"

namespace halftone::onednn {
namespace {

using Primitive = dnnl::convolution_forward;

bool begins_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

// Whether `chosen` computes as fast with these post-ops as `bare` does without. Convolutions through GEMM apply second
// operands element by element; where oneDNN gives up its batch-reduce kernels for a second operand, the older kernel
// costs more than a step of its own.
bool as_fast(std::string_view bare, std::string_view chosen, const PostChain &chain) {
  if (begins_with(bare, "ref")) return true;
  if (begins_with(chosen, "ref") || (begins_with(bare, "brg") && !begins_with(chosen, "brg"))) return false;
  const bool gemm = chosen.find("gemm") != std::string_view::npos;
  return !gemm || !chain.has_binary();
}

class Conv final : public NativeOp {
 public:
  explicit Conv(const sdk::OpNode &node) : window_(node), group_(node.integer("group", 1)) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    const int x = node.inputs[0], w = node.inputs[1], bias = node.inputs.size() > 2 ? node.inputs[2] : -1;
    const int out = node.outputs[0];
    if (!b.is_available(x) || !b.is_available(w) || (bias >= 0 && !b.is_available(bias))) return false;
    const Shape &in_shape = b.shape(x), &w_shape = b.shape(w);
    if (in_shape.size() < 3 || in_shape.size() > 5) return false;
    const auto window = window_.resolve(spatial(w_shape), spatial(in_shape), spatial(b.shape(out)));
    if (!window) return false;

    const Shape weights = weight_dims(w_shape);
    const bool fixed = b.constant(w) != nullptr && (bias < 0 || b.constant(bias) != nullptr);
    const auto describe = [&](const dnnl::primitive_attr &attr, const Desc &src, const Desc &dst, bool with_bias) {
      return api::convolution<Primitive>(b.engine(), attr, api::algorithm::convolution_direct, src, any_desc(weights),
                                         with_bias ? plain_desc(Shape{w_shape[0]}) : Desc(), dst, *window);
    };
    // A first look says which layouts it wants; operands of post-ops must have that of the result.
    const Primitive::primitive_desc probe =
        describe(plain_attributes(), any_desc(in_shape), any_desc(b.shape(out)), bias >= 0);
    const Desc src = probe.src_desc(), dst = probe.dst_desc();

    Primitive::primitive_desc chosen;
    std::vector<PrimitiveStep::Operand> operands;
    std::optional<Affine> affine;
    int onto = kNoBuffer;
    const PostRules rules{true, {}, true, fixed};
    const int result = b.with_chain(out, rules, dst, [&](const Builder::PostOps &post, const PostChain &chain) {
      chosen = describe(post.attr, src, dst, bias >= 0 || chain.absorbed > 0);
      affine = chain.absorbed > 0 ? std::optional(b.absorbed(chain)) : std::nullopt;
      if (!as_fast(probe.impl_info_str(), chosen.impl_info_str(), chain)) {
        throw dnnl::error(dnnl_unimplemented, "slow with post-ops");
      }
      operands = post.operands;
      onto = post.onto;
    });
    const Placed source = b.in_layout(x, src);
    const Desc plain_weights = plain_desc(weights), wanted = chosen.weights_desc();
    const Placed filters = affine ? b.scaled_constant(w, affine->factor, plain_weights, wanted)
                                  : b.reinterpreted(w, plain_weights, wanted);
    const Placed target{dst, onto == kNoBuffer ? b.allocate(dst.get_size()) : onto};
    operands.insert(operands.end(), {{DNNL_ARG_SRC, src, source.buffer},
                                     {DNNL_ARG_WEIGHTS, chosen.weights_desc(), filters.buffer},
                                     {DNNL_ARG_DST, dst, target.buffer}});
    if (affine) {
      operands.push_back({DNNL_ARG_BIAS, chosen.bias_desc(), shifted_bias(b, bias, *affine)});
    } else if (bias >= 0) {
      operands.push_back({DNNL_ARG_BIAS, chosen.bias_desc(), b.plain(bias).buffer});
    }
    b.primitive(Primitive(chosen), chosen, std::move(operands));
    b.define(result, target);
    return true;
  }

 private:
  static int shifted_bias(Builder &b, int bias, Affine affine) {
    const float *numbers = bias < 0 ? nullptr : b.constant(bias)->floats();
    for (std::size_t c = 0; numbers != nullptr && c < affine.shift.size(); ++c) {
      affine.shift[c] += static_cast<float>(double{numbers[c]} * affine.factor[c]);
    }
    return b.constant_floats(std::move(affine.shift)).buffer;
  }
  Shape weight_dims(const Shape &shape) const {
    if (group_ == 1) return shape;
    Shape dims = shape;
    dims[0] /= group_;
    dims.insert(dims.begin(), group_);
    return dims;
  }

  WindowAttributes window_;
  std::int64_t group_;
};

const NativeEntry kConv("Conv", &make_native<Conv>);

}  // namespace
}  // namespace halftone::onednn
