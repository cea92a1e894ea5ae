// Statistics of every variable that has a quantizer with a scale of its own: in float, quantized, and the difference.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/calibration/dataset.h"
#include "core/calibration/sample_flow.h"
#include "core/pipeline/analysis/analyze.h"
#include "core/pipeline/analysis/moments.h"

namespace halftone::pipeline {

// What one scale for the whole tensor does to its float values; for integer types.
struct CodeFigures {
  double low = 0, high = 0;     // the values that the codes reach
  std::uint64_t saturated = 0;  // values beyond them by more than half a step
  double saturated_share = 0;   // of the energy of the quantizer's error, from 0 to 1
  std::optional<double> codes;  // share of the codes that occur in the quantized model; for at most 16 bits
  double bulk = 0;              // 99.9 % of the magnitudes are at most this large, within 1/2048 of the largest
  double noise_to_signal = 0;   // of the quantizer on float values, over all samples
};

struct Variable {
  model::Handle config = HT_NONE;
  std::string node, type, value;
  bool is_output = false;
  std::uint32_t slot = 0;
  Summary floats, quantized, noise;
  std::optional<CodeFigures> codes;
  // Largest by median magnitude of the channels of axis 1, those that are all zero left out; of three axes and more.
  std::optional<double> channel_spread;
};

struct VariableAnalysis {
  std::uint64_t samples = 0;
  std::vector<std::string> skipped;
  std::vector<Variable> variables;  // without a sample, there is nothing in them
};

// Goes over the samples twice, for ranges and then for what is counted within them. Sums are taken sample by sample in
// their order, so that figures do not depend on the number of workers.
VariableAnalysis analyze_variables(const calibration::Dataset &dataset, const AnalysisRequest &request,
                                   const calibration::FlowOptions &options);

}  // namespace halftone::pipeline
