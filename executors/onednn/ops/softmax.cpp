// Softmax over one axis; before opset 13, over all axes from one on.
#include <algorithm>
#include <cmath>

#include "../builder.h"

namespace halftone::onednn {
namespace {

// oneDNN's kernel takes one row after the other, which costs more than the row where that is short.
constexpr std::int64_t kShort = 8;

void softmax_short_rows(const float *x, std::int64_t rows, std::int64_t length, float *y) {
  for (std::int64_t row = 0; row < rows; ++row, x += length, y += length) {
    const float largest = *std::max_element(x, x + length);
    float sum = 0;
    for (std::int64_t i = 0; i < length; ++i) sum += y[i] = std::exp(x[i] - largest);
    for (std::int64_t i = 0; i < length; ++i) y[i] /= sum;
  }
}

class Softmax final : public NativeOp {
 public:
  explicit Softmax(const sdk::OpNode &node)
      : flattens_(node.opset() < 13), axis_(node.integer("axis", flattens_ ? 1 : -1)) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    const int x = node.inputs[0], out = node.outputs[0];
    if (!b.is_available(x)) return false;
    const Shape &shape = b.shape(x);
    const auto rank = static_cast<std::int64_t>(shape.size());
    const auto axis = static_cast<std::size_t>(axis_ < 0 ? axis_ + rank : axis_);
    if (rank == 0 || axis >= shape.size()) return false;
    // Axes before, over which it runs, and behind: [outer, length, inner].
    const std::int64_t outer = count_of(std::span(shape).first(axis));
    const std::int64_t length = flattens_ ? count_of(std::span(shape).subspan(axis)) : shape[axis];
    const std::int64_t inner = count_of(shape) / (outer * length);
    const Desc desc = plain_desc(Shape{outer, length, inner});
    const Placed source = b.plain(x);
    const int target = b.writable(node, x, source) ? source.buffer : b.allocate(source.bytes());
    if (inner == 1 && length <= kShort) {
      b.loop({source.buffer, target}, [outer, length, from = source.buffer, target](Run &run) {
        softmax_short_rows(static_cast<const float *>(run.workspace.at(from)), outer, length,
                           static_cast<float *>(run.workspace.at(target)));
      });
      b.define(out, {plain_desc(shape), target});
      return true;
    }
    const api::Softmax::primitive_desc pd = api::softmax(b.engine(), plain_attributes(), desc, 1);
    b.primitive(api::Softmax(pd), pd, {{DNNL_ARG_SRC, desc, source.buffer}, {DNNL_ARG_DST, desc, target}});
    b.define(out, {plain_desc(shape), target});
    return true;
  }

 private:
  bool flattens_;
  std::int64_t axis_;
};

const NativeEntry kSoftmax("Softmax", &make_native<Softmax>);

}  // namespace
}  // namespace halftone::onednn
