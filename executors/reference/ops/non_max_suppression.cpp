// NonMaxSuppression: boxes by falling score, without those that overlap a chosen one by more than the threshold.
// Source: ONNX operator of this name, opset 10 and 11.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

struct Box {
  double left, top, right, bottom;
  double area() const { return (right - left) * (bottom - top); }
};

double overlap(const Box &a, const Box &b) {
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const double both = width * height, all = a.area() + b.area() - both;
  return all > 0 ? both / all : 0;
}

class NonMaxSuppression {
 public:
  explicit NonMaxSuppression(const sdk::OpNode &node) : centered_(node.flag("center_point_box", false)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (sdk::present(inputs, i) && inputs[i].data == nullptr && count_of(inputs[i]) > 0) throw sdk::needs_data();
    }
    const ht_tensor_view &boxes = inputs[0], &scores = inputs[1];
    if (boxes.dtype != HT_F32 || scores.dtype != HT_F32) unsupported_type(boxes.dtype);
    if (boxes.rank != 3 || scores.rank != 3 || boxes.shape[2] != 4 || boxes.shape[0] != scores.shape[0] ||
        boxes.shape[1] != scores.shape[2]) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of boxes and scores do not fit");
    }
    sdk::set_type(outputs[0], HT_I64, Shape{static_cast<std::int64_t>(selected(inputs).size()), 3});
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    std::int64_t *to = out_data<std::int64_t>(outputs[0]);
    for (const auto &row : selected(inputs)) to = std::ranges::copy(row, to).out;
  }

 private:
  using Selection = std::vector<std::array<std::int64_t, 3>>;  // batch, class, box

  Selection selected(sdk::KernelInputs inputs) const {
    const std::int64_t most = sdk::present(inputs, 2) ? integers_of(inputs[2]).at(0) : 0;
    const std::int64_t count = inputs[0].shape[1], classes = inputs[1].shape[1];
    Selection out;
    for (std::int64_t i = 0; i < inputs[1].shape[0] * classes && most > 0; ++i) {
      const float *boxes = in_data<float>(inputs[0]) + i / classes * count * 4;
      const float *scores = in_data<float>(inputs[1]) + i * count;
      for (const std::int64_t box : of_class(boxes, scores, count, most, inputs)) {
        out.push_back({i / classes, i % classes, box});
      }
    }
    return out;
  }
  Shape of_class(const float *boxes, const float *scores, std::int64_t count, std::int64_t most,
                 sdk::KernelInputs inputs) const {
    const double threshold = scalar(inputs, 3, 0.0);
    Shape order;
    for (std::int64_t i = 0; i < count; ++i) {
      if (!sdk::present(inputs, 4) || static_cast<double>(scores[i]) > scalar(inputs, 4, 0.0)) order.push_back(i);
    }
    std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) { return scores[a] > scores[b]; });
    Shape chosen;
    for (const std::int64_t i : order) {
      if (static_cast<std::int64_t>(chosen.size()) >= most) break;
      const Box box = box_of(boxes + 4 * i);
      const bool covered = std::ranges::any_of(
          chosen, [&](std::int64_t other) { return overlap(box_of(boxes + 4 * other), box) > threshold; });
      if (!covered) chosen.push_back(i);
    }
    return chosen;
  }
  static double scalar(sdk::KernelInputs inputs, std::size_t slot, double deflt) {
    return sdk::present(inputs, slot) ? static_cast<double>(*in_data<float>(inputs[slot])) : deflt;
  }
  // [y, x, y, x] of two opposite corners, in any order; or [x, y, width, height] around the centre.
  Box box_of(const float *b) const {
    const double p = static_cast<double>(b[0]), q = static_cast<double>(b[1]), r = static_cast<double>(b[2]),
                 s = static_cast<double>(b[3]);
    if (centered_) return {p - r / 2, q - s / 2, p + r / 2, q + s / 2};
    return {std::min(q, s), std::min(p, r), std::max(q, s), std::max(p, r)};
  }
  bool centered_;
};

}  // namespace
HALFTONE_OP_KERNEL(NonMaxSuppression, "NonMaxSuppression", 10, kNewest)
}  // namespace halftone::reference
