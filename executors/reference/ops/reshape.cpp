// Operators that give a tensor another shape and leave the data: Reshape, Flatten, Squeeze, Unsqueeze, Identity.
// Source: the ONNX operators of these names.
#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Same {
 public:
  explicit Same(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const { copy_all(inputs[0], outputs[0]); }
};

class Reshape {
 public:
  explicit Reshape(const sdk::OpNode &node) : allowzero_(node.flag("allowzero", false)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    const ShapeSpan from = shape_of(inputs[0]);
    Shape to = integers_of(inputs[1]);
    std::int64_t known = 1;
    std::size_t open = to.size();
    for (std::size_t i = 0; i < to.size(); ++i) {
      if (to[i] == 0 && !allowzero_) {
        if (i >= from.size()) throw sdk::Failure(HT_INVALID_ARGUMENT, "a 0 in the shape stands for no input axis");
        to[i] = from[i];
      }
      if (to[i] == -1) {
        open = i;
      } else if (to[i] < 0 || __builtin_mul_overflow(known, to[i], &known)) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "the shape has an axis of " + std::to_string(to[i]) + " elements");
      }
    }
    if (open < to.size()) to[open] = known == 0 ? 0 : count_of(from) / known;
    if (count_of(to) != count_of(from)) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, std::to_string(count_of(from)) + " elements do not fit the new shape");
    }
    sdk::set_type(outputs[0], inputs[0].dtype, to);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const { copy_all(inputs[0], outputs[0]); }

 private:
  bool allowzero_;
};

class Flatten {
 public:
  explicit Flatten(const sdk::OpNode &node) : axis_(node.integer("axis", 1)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    const ShapeSpan shape = shape_of(inputs[0]);
    const std::size_t axis =
        static_cast<std::size_t>(axis_) == shape.size() ? shape.size() : axis_of(axis_, shape.size());
    sdk::set_type(outputs[0], inputs[0].dtype, Shape{count_of(shape, 0, axis), count_of(shape, axis, shape.size())});
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const { copy_all(inputs[0], outputs[0]); }

 private:
  std::int64_t axis_;
};

// The axes of Squeeze and Unsqueeze: an input since opset 13, an attribute before.
class Axes {
 public:
  explicit Axes(const sdk::OpNode &node) : attribute_(node.integers("axes")) {}
  std::vector<bool> marked(sdk::KernelInputs inputs, std::size_t rank) const {
    std::vector<bool> out(rank, false);
    for (const std::int64_t axis : of(inputs)) out[axis_of(axis, rank)] = true;
    return out;
  }
  Shape of(sdk::KernelInputs inputs) const { return sdk::present(inputs, 1) ? integers_of(inputs[1]) : attribute_; }

 private:
  Shape attribute_;
};

class Squeeze {
 public:
  explicit Squeeze(const sdk::OpNode &node) : axes_(node) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    const ShapeSpan from = shape_of(inputs[0]);
    const bool all = axes_.of(inputs).empty();
    const std::vector<bool> marked = axes_.marked(inputs, from.size());
    Shape shape;
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (marked[i] && from[i] != 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "an axis to squeeze is not of extent 1");
      if (!(marked[i] || (all && from[i] == 1))) shape.push_back(from[i]);
    }
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const { copy_all(inputs[0], outputs[0]); }

 private:
  Axes axes_;
};

class Unsqueeze {
 public:
  explicit Unsqueeze(const sdk::OpNode &node) : axes_(node) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    const ShapeSpan from = shape_of(inputs[0]);
    const std::vector<bool> marked = axes_.marked(inputs, from.size() + axes_.of(inputs).size());
    Shape shape;
    std::size_t next = 0;
    for (const bool added : marked) {
      if (!added && next == from.size()) throw sdk::Failure(HT_INVALID_ARGUMENT, "an axis is named twice");
      shape.push_back(added ? 1 : from[next++]);
    }
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const { copy_all(inputs[0], outputs[0]); }

 private:
  Axes axes_;
};

}  // namespace
HALFTONE_OP_KERNEL(Same, "Identity", 1, kNewest)
HALFTONE_OP_KERNEL(Reshape, "Reshape", 5, kNewest)
HALFTONE_OP_KERNEL(Flatten, "Flatten", 1, kNewest)
HALFTONE_OP_KERNEL(Squeeze, "Squeeze", 1, kNewest)
HALFTONE_OP_KERNEL(Unsqueeze, "Unsqueeze", 1, kNewest)
}  // namespace halftone::reference
