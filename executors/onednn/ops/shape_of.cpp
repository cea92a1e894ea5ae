// Shape and Size of a value whose extents are known become constants of the plan.
#include <algorithm>

#include "../builder.h"

namespace halftone::onednn {
namespace {

void define_integers(Builder &b, int value, const std::vector<std::int64_t> &numbers) {
  const ConstantPtr made = make_constant(HT_I64, b.shape(value));
  std::copy(numbers.begin(), numbers.end(), reinterpret_cast<std::int64_t *>(made->data.get()));
  b.define_folded(value, made);
}

class ShapeOf final : public NativeOp {
 public:
  explicit ShapeOf(const sdk::OpNode &node)
      : start_(node.integer("start", 0)), end_(node.integer("end", HT_MAX_RANK)) {}
  bool fold(Builder &b, const NodeRecord &node) const override {
    const Shape &shape = b.shape(node.inputs[0]);
    const auto rank = static_cast<std::int64_t>(shape.size());
    const auto bound = [rank](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + rank : i, 0, rank); };
    const std::int64_t first = bound(start_), last = std::max(first, bound(end_));
    define_integers(b, node.outputs[0], {shape.begin() + first, shape.begin() + last});
    return true;
  }
  bool build(Builder &, const NodeRecord &) const override { return false; }

 private:
  std::int64_t start_, end_;
};

class SizeOf final : public NativeOp {
 public:
  explicit SizeOf(const sdk::OpNode &) {}
  bool fold(Builder &b, const NodeRecord &node) const override {
    define_integers(b, node.outputs[0], {count_of(b.shape(node.inputs[0]))});
    return true;
  }
  bool build(Builder &, const NodeRecord &) const override { return false; }
};

const NativeEntry kShape("Shape", &make_native<ShapeOf>);
const NativeEntry kSize("Size", &make_native<SizeOf>);

}  // namespace
}  // namespace halftone::onednn
