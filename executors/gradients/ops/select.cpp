// Gradients of operators that take some elements and leave others: TopK, Compress, ReverseSequence, CenterCropPad and
// MaxUnpool. What was not taken has gradient 0.
#include <optional>

#include "ops/move.h"
#include "sums.h"

namespace halftone::gradients {
namespace {

class TopKGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_outputs = sdk::slots(1), .differentiates = sdk::slots(0)};
  explicit TopKGradient(const sdk::OpNode &node) : axis_(node.integer("axis", -1)) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    std::ranges::fill(pass.dx(), 0.0F);
    const ShapeSpan shape = pass.input_shape(0);
    const std::size_t axis = axis_of(axis_, shape.size());
    const Rows from(shape, axis), to(pass.output_shape(), axis);
    const Shape indices = integers_of(pass.output(1));
    const auto dy = pass.dy();
    for (std::int64_t r = 0; r < to.count; ++r) {
      for (std::int64_t i = 0; i < to.length; ++i) {
        const auto at = static_cast<std::size_t>(to.start(r) + i * to.inner);
        pass.dx()[static_cast<std::size_t>(from.start(r) + indices[at] * from.inner)] = dy[at];
      }
    }
  }

 private:
  std::int64_t axis_;
};

class CompressGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(1), .differentiates = sdk::slots(0)};
  explicit CompressGradient(const sdk::OpNode &node) {
    if (node.attribute("axis")) axis_ = node.integer("axis", 0);
  }
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    std::ranges::fill(pass.dx(), 0.0F);
    const Shape shape = viewed(pass);
    const std::size_t axis = axis_ ? axis_of(*axis_, shape.size()) : 0;
    const std::int64_t outer = count_of(shape, 0, axis), inner = count_of(shape, axis + 1, shape.size());
    const ht_tensor_view &condition = pass.input(1);
    const auto *chosen = static_cast<const bool *>(condition.data);
    const float *from = pass.dy().data();
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t k = 0; k < sdk::count_of(condition); ++k) {
        if (!chosen[k]) continue;
        std::copy_n(from, inner, pass.dx().data() + (o * shape[axis] + k) * inner);
        from += inner;
      }
    }
  }

 private:
  // The tensor as the operator sees it: flat without an axis.
  Shape viewed(const sdk::Backward &pass) const {
    const ShapeSpan shape = pass.input_shape(0);
    return axis_ ? Shape(shape.begin(), shape.end()) : Shape{count_of(shape)};
  }
  std::optional<std::int64_t> axis_;
};

class ReverseSequenceGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(1), .differentiates = sdk::slots(0)};
  explicit ReverseSequenceGradient(const sdk::OpNode &node)
      : batch_(static_cast<std::size_t>(node.integer("batch_axis", 1))),
        time_(static_cast<std::size_t>(node.integer("time_axis", 0))) {
    if (batch_ > 1 || time_ > 1 || batch_ == time_) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "batch_axis and time_axis must be 0 and 1, in either order");
    }
  }
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const ShapeSpan shape = pass.input_shape(0);
    const Shape lengths = integers_of(pass.input(1)), strides = strides_of(shape);
    const std::int64_t inner = count_of(shape, 2, shape.size());
    for (std::int64_t b = 0; b < shape[batch_]; ++b) {
      const std::int64_t length = lengths.at(static_cast<std::size_t>(b));
      for (std::int64_t t = 0; t < shape[time_]; ++t) {
        const std::int64_t from = t < length ? length - 1 - t : t;
        std::copy_n(pass.dy().data() + b * strides[batch_] + t * strides[time_], inner,
                    pass.dx().data() + b * strides[batch_] + from * strides[time_]);
      }
    }
  }

 private:
  std::size_t batch_, time_;
};

class CenterCropPadGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.differentiates = sdk::slots(0)};
  explicit CenterCropPadGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const ShapeSpan from = pass.input_shape(0), to = pass.output_shape();
    const Shape from_strides = strides_of(from), to_strides = strides_of(to);
    Shape box(from.size());
    std::int64_t from_offset = 0, to_offset = 0;
    for (std::size_t i = 0; i < from.size(); ++i) {
      box[i] = std::min(from[i], to[i]);
      from_offset += (from[i] - box[i]) / 2 * from_strides[i];
      to_offset += (to[i] - box[i]) / 2 * to_strides[i];
    }
    std::ranges::fill(pass.dx(), 0.0F);
    reference::copy_box(HT_F32, box, pass.dy().data(), to_offset, to_strides, pass.dx().data(), from_offset,
                        from_strides);
  }
};

// Of elements that write to the same place, the last one stands.
class MaxUnpoolGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(1), .differentiates = sdk::slots(0)};
  explicit MaxUnpoolGradient(const sdk::OpNode &node)
      : kernel_(node.integers("kernel_shape")), pads_(node.integers("pads")), strides_(node.integers("strides")) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const Shape pooled = pooled_from(pass.input_shape(0)), strides = strides_of(pass.output_shape());
    const Shape indices = integers_of(pass.input(1));
    const auto dy = pass.dy();
    std::vector<bool> taken(dy.size(), false);
    for (std::size_t i = indices.size(); i-- > 0;) {
      std::int64_t left = indices[i], at = 0;
      for (std::size_t axis = pooled.size(); axis-- > 0; left /= pooled[axis])
        at += left % pooled[axis] * strides[axis];
      const auto place = static_cast<std::size_t>(at);
      pass.dx()[i] = taken.at(place) ? 0.0F : dy[place];
      taken[place] = true;
    }
  }

 private:
  // The shape whose pooling gave the input: indices count in it.
  Shape pooled_from(ShapeSpan x) const {
    Shape shape(x.begin(), x.end());
    const auto at = [](const Shape &values, std::size_t i, std::int64_t deflt) {
      return i < values.size() ? values[i] : deflt;
    };
    for (std::size_t i = 0; i < kernel_.size(); ++i) {
      shape[i + 2] =
          (shape[i + 2] - 1) * at(strides_, i, 1) - at(pads_, i, 0) - at(pads_, i + kernel_.size(), 0) + kernel_[i];
    }
    return shape;
  }
  Shape kernel_, pads_, strides_;
};

}  // namespace
HALFTONE_OP_GRADIENT(TopKGradient, "TopK", 10, kNewest)
HALFTONE_OP_GRADIENT(CompressGradient, "Compress", 9, kNewest)
HALFTONE_OP_GRADIENT(ReverseSequenceGradient, "ReverseSequence", 10, kNewest)
HALFTONE_OP_GRADIENT(CenterCropPadGradient, "CenterCropPad", 18, kNewest)
HALFTONE_OP_GRADIENT(MaxUnpoolGradient, "MaxUnpool", 9, kNewest)
}  // namespace halftone::gradients
