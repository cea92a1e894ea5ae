// LRN across channels.
#include "../builder.h"

namespace halftone::onednn {
namespace {

class Lrn final : public NativeOp {
 public:
  explicit Lrn(const sdk::OpNode &node)
      : size_(node.integer("size", 1)),
        alpha_(static_cast<float>(node.number("alpha", 1e-4))),
        beta_(static_cast<float>(node.number("beta", 0.75))),
        bias_(static_cast<float>(node.number("bias", 1))) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    const int x = node.inputs[0];
    // oneDNN centres windows of odd size only as ONNX does, and has vector code for images.
    if (!b.is_available(x) || b.shape(x).size() != 4 || size_ % 2 == 0) return false;
    const Placed source = b.current(x);
    const dnnl::lrn_forward::primitive_desc pd =
        api::lrn(b.engine(), plain_attributes(), source.desc, size_, alpha_, beta_, bias_);
    const Placed target{source.desc, b.allocate(source.bytes())};
    b.primitive(dnnl::lrn_forward(pd), pd,
                {{DNNL_ARG_SRC, source.desc, source.buffer}, {DNNL_ARG_DST, target.desc, target.buffer}});
    b.define(node.outputs[0], target);
    return true;
  }

 private:
  std::int64_t size_;
  float alpha_, beta_, bias_;
};

const NativeEntry kLrn("LRN", &make_native<Lrn>);

}  // namespace
}  // namespace halftone::onednn
