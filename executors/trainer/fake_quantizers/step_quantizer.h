// Base of the methods that round to a grid and let the gradient straight through: they differ in what they learn, in
// what a learned scale is and in where the range ends.
#pragma once

#include "step_kernel.h"

namespace halftone::trainer {

// Scales are never below it; the least scale of a config.
inline constexpr float kLeastScale = 1e-8F;

class StepQuantizer : public FakeQuantizer {
 public:
  StepQuantizer(const PointSpec &spec, Bounds bounds) : spec_(spec), bounds_(bounds) {}

  void forward(const PointState &state, Grouping grouping, const float *x, float *y, const Draw &draw,
               bool soft) const override;
  void backward(const PointState &state, Grouping grouping, const float *x, const float *dy, float *dx,
                PointGradients gradients, const Draw &draw) const override;
  void settle(PointState &state) const override;

 protected:
  const PointSpec &spec() const { return spec_; }
  // The scales that the state stands for.
  std::vector<float> scales_of(const PointState &state) const;
  // Zero points as whole numbers, one per group.
  std::vector<float> zeros_of(const PointState &state) const;

  // Rounding with scales and zero points as they are. Only points that float32 is enough for can drop elements.
  void round_forward(const float *scales, const float *zeros, Grouping grouping, const float *x, float *y,
                     const DropMask *kept = nullptr) const;
  void round_backward(const float *scales, const float *zeros, Grouping grouping, const float *x, const float *dy,
                      const StepGradient &wanted) const;

  // What of the call keeps its quantization, for methods that drop some; null: all.
  virtual const DropMask *kept_of(const Draw &draw, std::size_t count, DropMask &room) const;
  // Whether an element within the range counts with its rounding error in the scale's gradient.
  virtual bool counts_error() const { return true; }
  // d(scale) / d(what is held of group), for methods that hold something else.
  virtual double scale_slope(const PointState &state, std::size_t group) const;

 private:
  PointSpec spec_;
  Bounds bounds_;
};

// 1 / sqrt(N * quant_max) of Esser et al. 2020.
double lsq_gradient_factor(const PointSpec &spec, std::size_t elements_per_scale);

}  // namespace halftone::trainer
