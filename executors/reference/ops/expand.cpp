// Expand and Tile. Source: the ONNX operators of these names.
#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Expand {
 public:
  explicit Expand(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    sdk::set_type(outputs[0], inputs[0].dtype, broadcast(shape_of(inputs[0]), integers_of(inputs[1])));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan shape = shape_of(outputs[0]);
    copy_box(inputs[0].dtype, shape, inputs[0].data, 0, broadcast_strides(shape_of(inputs[0]), shape), outputs[0].data,
             0, strides_of(shape));
  }
};

class Tile {
 public:
  explicit Tile(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    const Shape repeats = integers_of(inputs[1]);
    Shape shape = shape_copy(inputs[0]);
    if (repeats.size() != shape.size()) throw sdk::Failure(HT_INVALID_ARGUMENT, "repeats has not one entry per axis");
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (repeats[i] < 0 || __builtin_mul_overflow(shape[i], repeats[i], &shape[i])) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "an axis is repeated " + std::to_string(repeats[i]) + " times");
      }
    }
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    // Each axis becomes two, repeats and extent, of which the input lacks the first.
    const Shape repeats = integers_of(inputs[1]), from = strides_of(shape_of(inputs[0]));
    const Shape to = strides_of(shape_of(outputs[0]));
    Shape shape, from_strides, to_strides;
    for (std::size_t i = 0; i < repeats.size(); ++i) {
      shape.insert(shape.end(), {repeats[i], inputs[0].shape[i]});
      from_strides.insert(from_strides.end(), {0, from[i]});
      to_strides.insert(to_strides.end(), {to[i] * inputs[0].shape[i], to[i]});
    }
    copy_box(inputs[0].dtype, shape, inputs[0].data, 0, from_strides, outputs[0].data, 0, to_strides);
  }
};

}  // namespace
HALFTONE_OP_KERNEL(Expand, "Expand", 8, kNewest)
HALFTONE_OP_KERNEL(Tile, "Tile", 6, kNewest)
}  // namespace halftone::reference
