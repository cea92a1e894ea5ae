// Pad with a constant: the border is filled, the middle copied, in the source's order of axes.
#include <algorithm>

#include "../builder.h"
#include "strided_copy.h"

namespace halftone::onednn {
namespace {

class Pad final : public NativeOp {
 public:
  explicit Pad(const sdk::OpNode &node)
      : by_attribute_(node.opset() < 11),
        fills_(node.text("mode", "constant") == "constant"),
        pads_(node.integers("pads")),
        value_(static_cast<float>(node.number("value", 0))) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    const int x = node.inputs[0], out = node.outputs[0];
    std::vector<std::int64_t> pads;
    float value = 0;
    if (!fills_ || !b.is_available(x) || b.shape(x).empty() || !read(b, node, pads, value)) return false;
    const Shape &in_shape = b.shape(x), &shape = b.shape(out);
    if (pads.size() != 2 * shape.size() || std::any_of(pads.begin(), pads.end(), [](auto n) { return n < 0; })) {
      return false;
    }
    Placed source = b.current(x);
    if (order_of(source.desc).block != 0) source = b.plain(x);
    const Desc desc = in_order(order_of(source.desc), shape);
    const Placed target{desc, b.allocate(desc.get_size())};
    const Dims strides = api::blocking_of(desc).strides;
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < shape.size(); ++i) offset += pads[i] * strides[i];
    const StridedCopy copy(in_shape, api::blocking_of(source.desc).strides, strides, 0, offset);
    b.loop({source.buffer, target.buffer},
           [copy, value, count = count_of(shape), from = source.buffer, to = target.buffer](Run &run) {
             auto *data = static_cast<float *>(run.workspace.at(to));
             std::fill_n(data, count, value);
             copy.run(static_cast<const float *>(run.workspace.at(from)), data);
           });
    b.define(out, target);
    return true;
  }

 private:
  bool read(const Builder &b, const NodeRecord &node, std::vector<std::int64_t> &pads, float &value) const {
    if (by_attribute_) {
      pads = pads_;
      value = value_;
      return true;
    }
    const auto input = [&](std::size_t i) { return i < node.inputs.size() ? node.inputs[i] : -1; };
    if (input(1) < 0 || input(3) >= 0) return false;  // axes of their own are left to the kernel
    const Constant *c = b.constant(input(1));
    if (c == nullptr || c->layout.dtype != HT_I64) return false;
    const auto *numbers = reinterpret_cast<const std::int64_t *>(c->data.get());
    pads.assign(numbers, numbers + count_of(c->layout.shape));
    if (input(2) < 0) return true;
    const auto number = b.scalar(input(2));
    value = number.value_or(0);
    return number.has_value();
  }
  bool by_attribute_, fills_;
  std::vector<std::int64_t> pads_;
  float value_;
};

const NativeEntry kPad("Pad", &make_native<Pad>);

}  // namespace
}  // namespace halftone::onednn
