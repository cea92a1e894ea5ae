// Learned step size (Esser et al. 2020): what "lsq", "lsq-plus" and "qdrop" share.
#pragma once

#include "method.h"
#include "step_quantizer.h"

namespace halftone::trainer {

class LearnedStep : public StepQuantizer {
 public:
  LearnedStep(const PointSpec &spec, const MethodArguments &arguments, bool learns_offset)
      : StepQuantizer(spec, arguments.choice("bounds") == "code" ? Bounds::kCode : Bounds::kValue),
        scales_gradient_(arguments.flag("gradient_scale")),
        learns_offset_(learns_offset && !spec.symmetric) {}

  std::uint32_t learnable() const override {
    return 1U << HT_LEARNED_SCALE | (learns_offset_ ? 1U << HT_LEARNED_OFFSET : 0U);
  }
  double gradient_factor(std::size_t elements_per_scale) const override {
    return scales_gradient_ ? lsq_gradient_factor(spec(), elements_per_scale) : 1.0;
  }

 private:
  bool scales_gradient_, learns_offset_;
};

// The parameters that all of them take.
void add_learned_step_parameters(sdk::Params &parameters);

}  // namespace halftone::trainer
