// ConvTranspose, with explicit pads.
#include "window.h"

namespace halftone::onednn {
namespace {

using Primitive = dnnl::deconvolution_forward;

class ConvTranspose final : public NativeOp {
 public:
  explicit ConvTranspose(const sdk::OpNode &node)
      : window_(node),
        group_(node.integer("group", 1)),
        explicit_shape_(!node.integers("output_shape").empty() || window_.automatic()) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    const int x = node.inputs[0], w = node.inputs[1], bias = node.inputs.size() > 2 ? node.inputs[2] : -1;
    const int out = node.outputs[0];
    if (explicit_shape_ || !b.is_available(x) || !b.is_available(w) || (bias >= 0 && !b.is_available(bias)))
      return false;
    const Shape &in_shape = b.shape(x), &w_shape = b.shape(w), &out_shape = b.shape(out);
    if (in_shape.size() < 3 || in_shape.size() > 5) return false;
    // The convolution whose gradient this is runs from the output to the input.
    const auto window = window_.resolve(spatial(w_shape), spatial(out_shape), spatial(in_shape));
    if (!window) return false;

    const Desc stored = stored_weights(w_shape);
    const Desc bias_desc = bias >= 0 ? plain_desc(b.shape(bias)) : Desc();
    const auto describe = [&](const dnnl::primitive_attr &attr, const Desc &src, const Desc &dst) {
      return api::convolution<Primitive>(b.engine(), attr, api::algorithm::deconvolution_direct, src,
                                         any_desc(api::dims_of(stored)), bias_desc, dst, *window);
    };
    const Primitive::primitive_desc probe = describe(plain_attributes(), any_desc(in_shape), any_desc(out_shape));
    const Desc src = probe.src_desc(), dst = probe.dst_desc();
    Primitive::primitive_desc chosen;
    std::vector<PrimitiveStep::Operand> operands;
    const int result = b.with_chain(out, {false, {}}, dst, [&](const Builder::PostOps &post, const PostChain &) {
      chosen = describe(post.attr, src, dst);
      operands = post.operands;
    });
    const Placed target{dst, b.allocate(dst.get_size())};
    const Placed filters = b.reinterpreted(w, stored, chosen.weights_desc());
    operands.insert(operands.end(), {{DNNL_ARG_SRC, src, b.in_layout(x, src).buffer},
                                     {DNNL_ARG_WEIGHTS, chosen.weights_desc(), filters.buffer},
                                     {DNNL_ARG_DST, dst, target.buffer}});
    if (bias >= 0) operands.push_back({DNNL_ARG_BIAS, bias_desc, b.plain(bias).buffer});
    b.primitive(Primitive(chosen), chosen, std::move(operands));
    b.define(result, target);
    return true;
  }

 private:
  // ONNX keeps [in, out / groups, kernel]; oneDNN's logical order is [groups,] out, in, kernel.
  Desc stored_weights(const Shape &shape) const {
    const std::int64_t in = shape[0] / group_, out = shape[1], taps = count_of(spatial(shape));
    Dims dims = {out, in}, strides = {taps, out * taps};
    if (group_ > 1) {
      dims.insert(dims.begin(), group_);
      strides.insert(strides.begin(), in * out * taps);
    }
    std::int64_t stride = taps;
    for (std::size_t i = 2; i < shape.size(); ++i) {
      stride /= shape[i];
      dims.push_back(shape[i]);
      strides.push_back(stride);
    }
    return strided_desc(dims, strides);
  }

  WindowAttributes window_;
  std::int64_t group_;
  bool explicit_shape_;
};

const NativeEntry kConvTranspose("ConvTranspose", &make_native<ConvTranspose>);

}  // namespace
}  // namespace halftone::onednn
