// Split along an axis: into given sizes, or into equal parts of which the last may be smaller.
// Source: the ONNX operator of this name.
#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Split {
 public:
  explicit Split(const sdk::OpNode &node) : axis_(node.integer("axis", 0)), sizes_(node.integers("split")) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    Shape shape = shape_copy(inputs[0]);
    const std::size_t axis = axis_of(axis_, shape.size());
    const Shape sizes = sizes_of(inputs, outputs.size(), shape[axis]);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      shape[axis] = sizes[i];
      sdk::set_type(outputs[i], inputs[0].dtype, shape);
    }
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const Shape strides = strides_of(shape_of(inputs[0]));
    const std::size_t axis = axis_of(axis_, strides.size());
    std::int64_t at = 0;
    for (ht_tensor_view &output : outputs) {
      copy_box(output.dtype, shape_of(output), inputs[0].data, at * strides[axis], strides, output.data, 0,
               strides_of(shape_of(output)));
      at += output.shape[axis];
    }
  }

 private:
  Shape sizes_of(sdk::KernelInputs inputs, std::size_t parts, std::int64_t extent) const {
    Shape sizes = sdk::present(inputs, 1) ? integers_of(inputs[1]) : sizes_;
    if (sizes.empty()) {
      const auto n = static_cast<std::int64_t>(parts);
      const std::int64_t part = (extent + n - 1) / n;
      for (std::int64_t i = 0; i < n; ++i)
        sizes.push_back(std::max<std::int64_t>(0, std::min(part, extent - i * part)));
    }
    std::int64_t total = 0;
    for (const std::int64_t size : sizes) {
      if (size < 0 || size > extent)
        throw sdk::Failure(HT_INVALID_ARGUMENT,
                           "a part has " + std::to_string(size) + " elements of " + std::to_string(extent));
      total += size;
    }
    if (sizes.size() != parts || total != extent) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the sizes of the parts do not add up to " + std::to_string(extent));
    }
    return sizes;
  }
  std::int64_t axis_;
  Shape sizes_;
};

}  // namespace
HALFTONE_OP_KERNEL(Split, "Split", 2, kNewest)
}  // namespace halftone::reference
