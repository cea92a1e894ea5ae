// Concat: blocked layouts are kept where every part fills whole blocks.
#include "../builder.h"

namespace halftone::onednn {
namespace {

// The layout of the part that all could share: a blocked one of the first part if it fits all, else plain.
bool fits_blocks(const Builder &b, const NodeRecord &node, const Desc &desc, std::size_t axis) {
  const api::Blocking blocking = api::blocking_of(desc);
  if (blocking.inner_sizes.size() != 1) return false;
  const auto split = static_cast<std::size_t>(blocking.inner_axes[0]);
  for (const int value : node.inputs) {
    if (split == axis && b.shape(value)[axis] % blocking.inner_sizes[0] != 0) return false;
  }
  return true;
}

// The same layout for other extents.
Desc like(const Desc &desc, const Shape &shape) {
  const api::Blocking b = api::blocking_of(desc);
  if (b.inner_sizes.empty()) return plain_desc(shape);
  using Tag = dnnl::memory::format_tag;
  const bool wide = b.inner_sizes[0] == 16;
  const Tag tags[] = {wide ? Tag::nCw16c : Tag::nCw8c, wide ? Tag::nChw16c : Tag::nChw8c,
                      wide ? Tag::nCdhw16c : Tag::nCdhw8c};
  return Desc(Dims(shape), api::kF32, tags[shape.size() - 3]);
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
    const auto axis = static_cast<std::size_t>(axis_ < 0 ? axis_ + static_cast<std::int64_t>(shape.size()) : axis_);
    const Desc common = layout(b, node, axis);
    std::vector<Desc> sources;
    std::vector<PrimitiveStep::Operand> operands;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const int value = node.inputs[i];
      sources.push_back(like(common, b.shape(value)));
      operands.push_back({DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), sources.back(),
                          b.in_layout(value, sources.back()).buffer});
    }
    const Placed target{like(common, shape), b.allocate(like(common, shape).get_size())};
    const dnnl::concat::primitive_desc pd =
        api::concat(b.engine(), plain_attributes(), target.desc, static_cast<int>(axis), sources);
    operands.push_back({DNNL_ARG_DST, target.desc, target.buffer});
    b.primitive(dnnl::concat(pd), pd, std::move(operands));
    b.define(out, target);
    return true;
  }

 private:
  static Desc layout(Builder &b, const NodeRecord &node, std::size_t axis) {
    for (const int value : node.inputs) {
      const Desc desc = b.current(value).desc;
      const std::size_t rank = b.shape(value).size();
      if (rank < 3 || rank > 5 || !fits_blocks(b, node, desc, axis)) continue;
      if (same_layout(desc, like(desc, b.shape(value)))) return desc;
    }
    return plain_desc(b.shape(node.inputs[0]));
  }
  std::int64_t axis_;
};

const NativeEntry kConcat("Concat", &make_native<Concat>);

}  // namespace
}  // namespace halftone::onednn
