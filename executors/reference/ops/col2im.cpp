// Col2Im: columns of windows added back into an image. Source: ONNX operator Col2Im, opset 18.
#include "halftone/op_kernel.hpp"
#include "ops/reals.h"
#include "ops/version.h"
#include "ops/window.h"

namespace halftone::reference {
namespace {

class Col2Im {
 public:
  explicit Col2Im(const sdk::OpNode &node) : attributes_(node) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, NumericTypes{});
    const Window window(attributes_, integers_of(inputs[1]), integers_of(inputs[2]));
    if (inputs[0].rank != 3 || inputs[0].shape[1] % window.taps() != 0 || inputs[0].shape[2] != window.positions()) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the input has not one column per window of image_shape");
    }
    sdk::require_extents(window.input);
    Shape shape = {inputs[0].shape[0], inputs[0].shape[1] / window.taps()};
    shape.insert(shape.end(), window.input.begin(), window.input.end());
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const Window window(attributes_, integers_of(inputs[1]), integers_of(inputs[2]));
    const auto table = window_table(window);
    const std::int64_t plane = count_of(window.input), entries = window.taps() * window.positions();
    const std::vector<double> columns = reals_of(inputs[0]);
    std::vector<double> image(static_cast<std::size_t>(count_of(outputs[0])));
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      const std::int32_t offset = table[static_cast<std::size_t>(at % entries)];
      if (offset >= 0) image[static_cast<std::size_t>(at / entries * plane + offset)] += columns[i];
    }
    store_reals(image, outputs[0]);
  }

 private:
  WindowAttributes attributes_;
};

}  // namespace
HALFTONE_OP_KERNEL(Col2Im, "Col2Im", 18, kNewest)
}  // namespace halftone::reference
