#include "ops/resize_plan.h"

#include <algorithm>
#include <cmath>

#include "ops/types.h"

namespace halftone::reference {

ResizeAttributes::ResizeAttributes(const sdk::OpNode &node)
    : upsample_(node.node().op_type() == "Upsample"),
      scales_(node.numbers("scales")),
      axes_(node.integers("axes")),
      policy_(node.text("keep_aspect_ratio_policy", "stretch")) {
  how.mode = node.text("mode", "nearest");
  how.coordinates = node.text("coordinate_transformation_mode", upsample_ ? "asymmetric" : "half_pixel");
  how.nearest_mode = node.text("nearest_mode", upsample_ ? "floor" : "round_prefer_floor");
  how.cubic_a = node.number("cubic_coeff_a", -0.75);
  how.exclude_outside = node.flag("exclude_outside", false);
  how.antialias = node.flag("antialias", false);
  if (how.mode != "nearest" && how.mode != "linear" && how.mode != "cubic") {
    throw sdk::Failure(HT_UNIMPLEMENTED, "mode '" + how.mode + "'");
  }
}

namespace {

void require_sound(const ResizePlan &plan, ShapeSpan from) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::string axis = "axis " + std::to_string(i);
    if (from[i] == 0 && plan.shape[i] > 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, axis + " is empty and cannot grow");
    }
    if (plan.shape[i] < 0 ||
        (from[i] > 0 && plan.shape[i] > 0 && !(plan.scales[i] > 0 && std::isfinite(plan.scales[i])))) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, axis + " is resized by " + std::to_string(plan.scales[i]) + " to " +
                                                  std::to_string(plan.shape[i]) + " elements");
    }
  }
}

// An empty axis among those that keep their ratio makes it NaN.
std::int64_t rounded(double extent) {
  return extent >= 0 && extent < 0x1p56 ? static_cast<std::int64_t>(std::floor(extent + 0.5)) : -1;
}
std::vector<float> floats(const ht_tensor_view &t) {
  if (count_of(t) == 0) return {};
  if (t.data == nullptr) throw sdk::needs_data();
  if (t.dtype != HT_F32) unsupported_type(t.dtype);
  return {in_data<float>(t), in_data<float>(t) + count_of(t)};
}

}  // namespace

ResizePlan ResizeAttributes::plan(sdk::KernelInputs inputs) const {
  const ShapeSpan from = shape_of(inputs[0]);
  ResizePlan plan{Shape(from.begin(), from.end()), std::vector<double>(from.size(), 1.0),
                  std::vector<double>(from.size(), 0.0), std::vector<double>(from.size(), 1.0)};
  std::vector<std::size_t> axes;
  for (const std::int64_t axis : axes_) axes.push_back(axis_of(axis, from.size()));
  for (std::size_t i = 0; axes_.empty() && i < from.size(); ++i) axes.push_back(i);
  const std::size_t scale_slot = upsample_ ? 1 : 2;
  if (!upsample_ && sdk::present(inputs, 3) && count_of(inputs[3]) > 0) {
    take_sizes(integers_of(inputs[3]), axes, from, plan);
  } else {
    take_scales(sdk::present(inputs, scale_slot) ? floats(inputs[scale_slot]) : scales_, axes, from, plan);
  }
  require_sound(plan, from);
  if (!upsample_ && crops()) {
    const std::vector<float> roi = sdk::present(inputs, 1) ? floats(inputs[1]) : std::vector<float>{};
    if (roi.size() != 2 * axes.size()) throw sdk::Failure(HT_INVALID_ARGUMENT, "roi has not two entries per axis");
    if (!std::all_of(roi.begin(), roi.end(), [](float edge) { return std::fabs(edge) < 0x1p20F; })) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "roi is not finite, or far outside of the input");
    }
    for (std::size_t i = 0; i < axes.size(); ++i) {
      plan.starts[axes[i]] = static_cast<double>(roi[i]);
      plan.ends[axes[i]] = static_cast<double>(roi[i + axes.size()]);
    }
  }
  return plan;
}

void ResizeAttributes::take_scales(const std::vector<float> &scales, const std::vector<std::size_t> &axes,
                                   ShapeSpan from, ResizePlan &plan) const {
  if (scales.size() != axes.size()) throw sdk::Failure(HT_INVALID_ARGUMENT, "scales has not one entry per axis");
  for (std::size_t i = 0; i < axes.size(); ++i) {
    plan.scales[axes[i]] = static_cast<double>(scales[i]);
    const double extent = std::floor(static_cast<double>(from[axes[i]]) * plan.scales[axes[i]]);
    plan.shape[axes[i]] = extent < 0x1p56 ? static_cast<std::int64_t>(extent) : -1;
  }
}

void ResizeAttributes::take_sizes(const Shape &sizes, const std::vector<std::size_t> &axes, ShapeSpan from,
                                  ResizePlan &plan) const {
  if (sizes.size() != axes.size()) throw sdk::Failure(HT_INVALID_ARGUMENT, "sizes has not one entry per axis");
  const auto scale = [&](std::size_t i) { return static_cast<double>(sizes[i]) / static_cast<double>(from[axes[i]]); };
  double common = axes.empty() ? 1.0 : scale(0);
  for (std::size_t i = 1; i < axes.size(); ++i) {
    common = policy_ == "not_larger" ? std::min(common, scale(i)) : std::max(common, scale(i));
  }
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const bool stretch = policy_ == "stretch";
    plan.scales[axes[i]] = stretch ? scale(i) : common;
    plan.shape[axes[i]] = stretch ? sizes[i] : rounded(common * static_cast<double>(from[axes[i]]));
  }
}

}  // namespace halftone::reference
