// Where the error of a quantized model comes from, operator by operator.
//
// The float model is the working model as the passes left it, with every config switched off: folded, equalized and
// corrected weights count as float.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/calibration/dataset.h"
#include "core/calibration/sample_flow.h"
#include "core/host/instance.h"
#include "core/pipeline/analysis/error_figures.h"

namespace halftone::pipeline {

struct AnalysisRequest {
  const host::Instance *executor = nullptr;
  const host::KernelIndex *kernels = nullptr;
  const host::WorkingModel *working = nullptr;
  bool all_operators = false;       // not only computing ones
  std::vector<std::string> values;  // at which the layerwise error is measured; none: the outputs of the graph
  bool graphwise = true, layerwise = true, own = true;
  std::optional<std::uint64_t> memory_budget;  // bytes, of the whole process
};

// Errors of one operator; each absent where it was not asked for or does not exist.
struct OperatorError {
  model::Handle node = HT_NONE;
  std::string name, type, value;          // the value is its first output
  std::optional<ErrorFigures> graphwise;  // of its output in the quantized model
  std::optional<ErrorFigures> layerwise;  // mean over the measured values, with only this operator quantized
  std::optional<ErrorFigures> own;        // of its output, quantized, on float inputs
  std::optional<ErrorFigures> inherited;  // of its output, in float, on the inputs that the quantized model gives it
};

struct ErrorAnalysis {
  std::uint64_t samples = 0;
  std::vector<std::string> skipped;
  std::vector<std::string> values;       // at which the layerwise error was measured
  std::vector<OperatorError> operators;  // in topological order
  double seconds = 0;
};

// Runs every sample once in float, once quantized where that is asked for, and for each operator only what lies behind
// it. Each worker keeps the float values of one sample. Figures do not depend on the number of workers. Throws
// InvalidArgument for a value that is not there, FailedPrecondition where nothing is quantized.
ErrorAnalysis analyze_errors(const calibration::Dataset &dataset, const AnalysisRequest &request,
                             const calibration::FlowOptions &options);

}  // namespace halftone::pipeline
