#include "step_quantizer.h"

#include <algorithm>
#include <cmath>

#include "wide_steps.h"

namespace halftone::trainer {

std::vector<float> StepQuantizer::scales_of(const PointState &state) const {
  std::vector<float> scales(state.scales.size()), offsets(state.offsets.size());
  store(state, scales, offsets);
  return scales;
}

std::vector<float> StepQuantizer::zeros_of(const PointState &state) const {
  std::vector<float> zeros(state.scales.size(), 0.0F);
  if (spec_.symmetric) return zeros;
  for (std::size_t i = 0; i < state.offsets.size(); ++i) zeros[i] = settled_offset(state.offsets[i], spec_);
  return zeros;
}

double StepQuantizer::scale_slope(const PointState &, std::size_t) const {
  return 1.0;
}

const DropMask *StepQuantizer::kept_of(const Draw &, std::size_t, DropMask &) const {
  return nullptr;
}

void StepQuantizer::round_forward(const float *scales, const float *zeros, Grouping grouping, const float *x, float *y,
                                  const DropMask *kept) const {
  if (spec_.kind != HT_QUANT_INTEGER || !fits_float32(spec_)) {
    wide_forward(spec_, scales, zeros, grouping, x, y);
    return;
  }
  const StepGrid grid{scales, zeros, static_cast<float>(spec_.quant_min), static_cast<float>(spec_.quant_max),
                      spec_.rounding};
  steps_forward(grid, grouping, x, y, kept);
}

void StepQuantizer::round_backward(const float *scales, const float *zeros, Grouping grouping, const float *x,
                                   const float *dy, const StepGradient &wanted) const {
  if (spec_.kind != HT_QUANT_INTEGER || !fits_float32(spec_)) {
    wide_backward(spec_, scales, zeros, grouping, x, dy, wanted);
    return;
  }
  const StepGrid grid{scales, zeros, static_cast<float>(spec_.quant_min), static_cast<float>(spec_.quant_max),
                      spec_.rounding};
  steps_backward(grid, grouping, x, dy, wanted);
}

void StepQuantizer::forward(const PointState &state, Grouping grouping, const float *x, float *y, const Draw &draw,
                            bool soft) const {
  DropMask room;
  const DropMask *kept = soft ? kept_of(draw, grouping.size(), room) : nullptr;
  round_forward(scales_of(state).data(), zeros_of(state).data(), grouping, x, y, kept);
}

void StepQuantizer::backward(const PointState &state, Grouping grouping, const float *x, const float *dy, float *dx,
                             PointGradients gradients, const Draw &draw) const {
  DropMask room;
  std::vector<double> sums(gradients.scales == nullptr ? 0 : grouping.groups);
  StepGradient wanted{
      bounds_, counts_error(), dx, sums.empty() ? nullptr : sums.data(), nullptr, kept_of(draw, grouping.size(), room)};
  if (!spec_.symmetric) wanted.offsets = gradients.offsets;
  round_backward(scales_of(state).data(), zeros_of(state).data(), grouping, x, dy, wanted);
  for (std::size_t g = 0; g < sums.size(); ++g) gradients.scales[g] += sums[g] * scale_slope(state, g);
}

void StepQuantizer::settle(PointState &state) const {
  const auto least = static_cast<float>(spec_.quant_min), most = static_cast<float>(spec_.quant_max);
  for (float &scale : state.scales) scale = std::max(std::fabs(scale), kLeastScale);
  for (float &offset : state.offsets) offset = std::clamp(offset, least, most);
}

double lsq_gradient_factor(const PointSpec &spec, std::size_t elements_per_scale) {
  const double most = spec.kind == HT_QUANT_INTEGER    ? static_cast<double>(std::max<std::int64_t>(spec.quant_max, 1))
                      : spec.kind == HT_QUANT_F8E4M3FN ? 448.0
                                                       : 57344.0;
  return 1.0 / std::sqrt(static_cast<double>(std::max<std::size_t>(elements_per_scale, 1)) * most);
}

}  // namespace halftone::trainer
