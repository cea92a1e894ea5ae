// Likely causes of the error, each with the numbers that speak for it and the override that answers it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/pipeline/analysis/parameters.h"
#include "core/pipeline/analysis/variables.h"

namespace halftone::pipeline {

struct Cause {
  // "range-outlier", "saturation", "one-sided-range", "channel-spread", "weight-spread", "bias-overflow", "coarse-bias"
  std::string kind;
  std::string node, value;  // of the quantizer
  double error = 0;         // the largest layerwise noise/signal of an operator on which this quantizer acts
  double tensor_error = 0;  // noise/signal that the quantizer adds to its tensor
  std::vector<std::pair<std::string, double>> evidence;
  std::string text;    // the evidence as a sentence
  std::string yaml;    // rules for `overrides:` of a pipeline file
  std::string beyond;  // what answers it better where overrides cannot; may be empty
};

// By the error of the operator, then by that of the tensor, the largest first.
std::vector<Cause> find_causes(const host::WorkingModel &working, const ErrorAnalysis &errors,
                               const std::vector<Variable> &variables, const std::vector<Parameter> &parameters);

}  // namespace halftone::pipeline
