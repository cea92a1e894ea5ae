// Concat: runs of bytes, in the layout of the first part where all can have it.
#include <cstring>

#include "../builder.h"

namespace halftone::onednn {
namespace {

// One part: how much of it stands in a row.
struct Part {
  int buffer;
  std::size_t run;  // bytes
};

void copy_parts(Run &run, const std::vector<Part> &parts, int target, std::int64_t rows) {
  auto *to = static_cast<std::byte *>(run.workspace.at(target));
  std::size_t row_bytes = 0;
  for (const Part &part : parts) row_bytes += part.run;
  for (const Part &part : parts) {
    const auto *from = static_cast<const std::byte *>(run.workspace.at(part.buffer));
    std::byte *out = to;
    for (std::int64_t row = 0; row < rows; ++row, from += part.run, out += row_bytes) std::memcpy(out, from, part.run);
    to += part.run;
  }
}

class Concat final : public NativeOp {
 public:
  explicit Concat(const sdk::OpNode &node) : axis_(node.integer("axis", 0)) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    const int out = node.outputs[0];
    for (const int value : node.inputs) {
      if (!b.is_available(value)) return false;
    }
    const Shape &shape = b.shape(out);
    if (shape.empty()) return false;
    const auto axis = static_cast<std::size_t>(axis_ < 0 ? axis_ + static_cast<std::int64_t>(shape.size()) : axis_);
    const Order order = common_order(b, node, axis);
    const Placed target{in_order(order, shape), b.allocate(in_order(order, shape).get_size())};
    // Everything outside the axis is a row.
    std::int64_t rows = 1;
    for (std::size_t i = 0; order.axes[i] != axis; ++i) {
      const std::size_t outer = order.axes[i];
      const bool split = order.block > 0 && outer == order.block_axis;
      rows *= split ? (shape[outer] + order.block - 1) / order.block : shape[outer];
    }
    std::vector<Part> parts;
    std::vector<int> touched = {target.buffer};
    for (const int value : node.inputs) {
      const Placed part = b.in_layout(value, in_order(order, b.shape(value)));
      parts.push_back({part.buffer, part.bytes() / static_cast<std::size_t>(rows)});
      touched.push_back(part.buffer);
    }
    b.loop(std::move(touched), [parts, rows, to = target.buffer](Run &run) { copy_parts(run, parts, to, rows); });
    b.define(out, target);
    return true;
  }

 private:
  // Of the first part that is not row-major; every part must fill whole blocks.
  static Order common_order(Builder &b, const NodeRecord &node, std::size_t axis) {
    for (const int value : node.inputs) {
      const Desc desc = b.current(value).desc;
      const Order order = order_of(desc);
      if (row_major(desc) || order.block < 0) continue;
      bool fits = true;
      for (const int other : node.inputs) {
        fits = fits && (order.block == 0 || order.block_axis != axis || b.shape(other)[axis] % order.block == 0);
      }
      if (fits) return order;
    }
    return order_of(plain_desc(b.shape(node.inputs[0])));
  }
  std::int64_t axis_;
};

const NativeEntry kConcat("Concat", &make_native<Concat>);

}  // namespace
}  // namespace halftone::onednn
