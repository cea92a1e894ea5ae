// Operators that move no data: other shapes of the same bytes, and names of the same tensor.
#include "../builder.h"

namespace halftone::onednn {
namespace {

class Reshaped final : public NativeOp {
 public:
  explicit Reshaped(const sdk::OpNode &) {}
  bool build(Builder &b, const NodeRecord &node) const override {
    b.alias_plain(node.inputs[0], node.outputs[0]);
    return true;
  }
};

class Same final : public NativeOp {
 public:
  explicit Same(const sdk::OpNode &) {}
  bool build(Builder &b, const NodeRecord &node) const override {
    if (node.outputs.size() > 1 && b.is_read(node.outputs[1])) return false;
    // Dropout's training mode, which is an input since opset 12.
    if (node.inputs.size() > 2 && node.inputs[2] >= 0) {
      const Constant *training = b.constant(node.inputs[2]);
      if (training == nullptr || *training->data != std::byte{0}) return false;
    }
    b.alias(node.inputs[0], node.outputs[0]);
    return true;
  }
};

const NativeEntry kReshape("Reshape", &make_native<Reshaped>);
const NativeEntry kFlatten("Flatten", &make_native<Reshaped>);
const NativeEntry kSqueeze("Squeeze", &make_native<Reshaped>);
const NativeEntry kUnsqueeze("Unsqueeze", &make_native<Reshaped>);
const NativeEntry kIdentity("Identity", &make_native<Same>);
const NativeEntry kDropout("Dropout", &make_native<Same>);

}  // namespace
}  // namespace halftone::onednn
