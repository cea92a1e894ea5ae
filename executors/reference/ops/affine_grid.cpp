// AffineGrid: the sampling positions of an affine map, for GridSample, in two or three spatial axes. Source: ONNX
// function AffineGrid, opset 20.
#include "halftone/op_kernel.hpp"
#include "ops/reals.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class AffineGrid {
 public:
  explicit AffineGrid(const sdk::OpNode &node) : align_(node.flag("align_corners", false)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    const Shape size = integers_of(inputs[1]);
    const auto axes = static_cast<std::int64_t>(size.size()) - 2;
    if ((axes != 2 && axes != 3) || shape_copy(inputs[0]) != Shape{size[0], axes, axes + 1}) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of theta and size do not fit");
    }
    Shape shape = {size[0]};
    shape.insert(shape.end(), size.begin() + 2, size.end());
    shape.push_back(axes);
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const std::vector<double> theta = reals_of(inputs[0]);
    const ShapeSpan shape = shape_of(outputs[0]), spatial = shape.subspan(1, shape.size() - 2);
    const std::size_t axes = spatial.size();
    const std::int64_t points = count_of(spatial);
    std::vector<double> out;
    for (std::int64_t i = 0; i < shape[0] * points; ++i) {
      std::vector<double> at;  // the last axis first
      std::int64_t left = i % points;
      for (std::size_t axis = axes; axis-- > 0;) {
        at.push_back(position(left % spatial[axis], spatial[axis]));
        left /= spatial[axis];
      }
      const double *row = theta.data() + static_cast<std::size_t>(i / points) * axes * (axes + 1);
      for (std::size_t r = 0; r < axes; ++r, row += axes + 1) {
        double sum = row[axes];
        for (std::size_t k = 0; k < axes; ++k) sum += row[k] * at[k];
        out.push_back(sum);
      }
    }
    store_reals(out, outputs[0]);
  }

 private:
  double position(std::int64_t i, std::int64_t extent) const {
    const auto n = static_cast<double>(extent), x = static_cast<double>(i);
    if (align_) return extent > 1 ? -1 + 2 * x / (n - 1) : -1;
    return (2 * x + 1) / n - 1;
  }
  bool align_;
};

}  // namespace
HALFTONE_OP_KERNEL(AffineGrid, "AffineGrid", 20, kNewest)
}  // namespace halftone::reference
