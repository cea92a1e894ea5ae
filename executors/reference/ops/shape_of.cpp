// Shape and Size. Source: the ONNX operators of these names.
#include <algorithm>

#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class ShapeOf {
 public:
  explicit ShapeOf(const sdk::OpNode &node)
      : start_(node.integer("start", 0)), end_(node.attribute("end") ? node.integer("end", 0) : INT64_MAX) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    sdk::set_type(outputs[0], HT_I64, Shape{static_cast<std::int64_t>(part(inputs[0]).size())});
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan extents = part(inputs[0]);
    std::copy(extents.begin(), extents.end(), out_data<std::int64_t>(outputs[0]));
  }

 private:
  ShapeSpan part(const ht_tensor_view &x) const {
    const auto rank = static_cast<std::int64_t>(x.rank);
    const auto at = [&](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + rank : i, 0, rank); };
    const std::int64_t start = at(start_), end = std::max(start, at(end_));
    return shape_of(x).subspan(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start));
  }
  std::int64_t start_, end_;
};

class SizeOf {
 public:
  explicit SizeOf(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs, sdk::KernelTypes outputs) const { sdk::set_type(outputs[0], HT_I64, Shape{}); }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    *out_data<std::int64_t>(outputs[0]) = count_of(inputs[0]);
  }
};

}  // namespace
HALFTONE_OP_KERNEL(ShapeOf, "Shape", 1, kNewest)
HALFTONE_OP_KERNEL(SizeOf, "Size", 1, kNewest)
}  // namespace halftone::reference
