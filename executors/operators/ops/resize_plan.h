// The new shape that Resize and Upsample ask for, and how each axis gets there.
#pragma once

#include <string>
#include <vector>

#include "halftone/op_kernel.hpp"
#include "ops/interpolation.h"
#include "ops/shape.h"

namespace halftone::reference {

struct ResizePlan {
  Shape shape;
  std::vector<double> scales, starts, ends;  // per axis; starts and ends are the roi
};

class ResizeAttributes {
 public:
  explicit ResizeAttributes(const sdk::OpNode &node);
  // Needs the shape of the first input and the data of the others; needs_data() where they are not known yet.
  ResizePlan plan(sdk::KernelInputs inputs) const;
  bool crops() const { return how.coordinates == "tf_crop_and_resize"; }
  // Whether axis `i` of `extent` elements stays as it is.
  bool keeps(const ResizePlan &plan, std::size_t i, std::int64_t extent) const {
    return plan.shape[i] == extent && plan.scales[i] == 1.0 && !crops();
  }

  Interpolation how;

 private:
  void take_scales(const std::vector<float> &scales, const std::vector<std::size_t> &axes, ShapeSpan from,
                   ResizePlan &plan) const;
  void take_sizes(const Shape &sizes, const std::vector<std::size_t> &axes, ShapeSpan from, ResizePlan &plan) const;
  bool upsample_;
  std::vector<float> scales_;
  Shape axes_;
  std::string policy_;
};

}  // namespace halftone::reference
