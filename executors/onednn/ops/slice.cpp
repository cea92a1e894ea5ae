// Slice: a strided copy that keeps the order of the axes in memory.
#include <algorithm>
#include <optional>

#include "../builder.h"
#include "strided_copy.h"

namespace halftone::onednn {
namespace {

// Integers of a constant input; nothing for an empty slot, or for what is not constant (then `known` is false).
std::vector<std::int64_t> integers_of(const Builder &b, const NodeRecord &node, std::size_t slot, bool &known) {
  std::vector<std::int64_t> out;
  if (slot >= node.inputs.size() || node.inputs[slot] < 0) return out;
  const Constant *c = b.constant(node.inputs[slot]);
  known = known && c != nullptr && (c->layout.dtype == HT_I64 || c->layout.dtype == HT_I32);
  if (!known) return out;
  for (std::int64_t i = 0; i < count_of(c->layout.shape); ++i) {
    out.push_back(c->layout.dtype == HT_I64 ? reinterpret_cast<const std::int64_t *>(c->data.get())[i]
                                            : reinterpret_cast<const std::int32_t *>(c->data.get())[i]);
  }
  return out;
}

class Slice final : public NativeOp {
 public:
  explicit Slice(const sdk::OpNode &node)
      : by_attribute_(node.opset() < 10), starts_(node.integers("starts")), axes_(node.integers("axes")) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    const int x = node.inputs[0], out = node.outputs[0];
    if (!b.is_available(x)) return false;
    const Shape &in_shape = b.shape(x), &shape = b.shape(out);
    const auto window = window_of(b, node, in_shape);
    if (!window) return false;
    Placed source = b.current(x);
    if (order_of(source.desc).block != 0) source = b.plain(x);
    const Desc desc = in_order(order_of(source.desc), shape);
    const Placed target{desc, b.allocate(desc.get_size())};
    Dims strides = api::blocking_of(source.desc).strides;
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      offset += window->first[i] * strides[i];
      strides[i] *= window->step[i];
    }
    const StridedCopy copy(shape, strides, api::blocking_of(desc).strides, offset, 0);
    b.loop({source.buffer, target.buffer}, [copy, from = source.buffer, to = target.buffer](Run &run) {
      copy.run(static_cast<const float *>(run.workspace.at(from)), static_cast<float *>(run.workspace.at(to)));
    });
    b.define(out, target);
    return true;
  }

 private:
  struct Window {
    Shape first, step;
  };
  std::optional<Window> window_of(const Builder &b, const NodeRecord &node, const Shape &shape) const {
    bool known = true;
    const auto starts = by_attribute_ ? starts_ : integers_of(b, node, 1, known);
    auto axes = by_attribute_ ? axes_ : integers_of(b, node, 3, known);
    const auto steps = by_attribute_ ? std::vector<std::int64_t>() : integers_of(b, node, 4, known);
    if (!known) return std::nullopt;
    for (std::size_t i = axes.size(); i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
    Window w{Shape(shape.size(), 0), Shape(shape.size(), 1)};
    for (std::size_t i = 0; i < starts.size(); ++i) {
      const auto rank = static_cast<std::int64_t>(shape.size());
      const auto axis = static_cast<std::size_t>(axes[i] < 0 ? axes[i] + rank : axes[i]);
      const std::int64_t step = i < steps.size() ? steps[i] : 1, extent = shape[axis];
      const std::int64_t start = starts[i] < 0 ? starts[i] + extent : starts[i];
      w.step[axis] = step;
      w.first[axis] = std::clamp<std::int64_t>(start, 0, extent - 1);  // the result has an element
    }
    return w;
  }
  bool by_attribute_;
  std::vector<std::int64_t> starts_, axes_;
};

const NativeEntry kSlice("Slice", &make_native<Slice>);

}  // namespace
}  // namespace halftone::onednn
