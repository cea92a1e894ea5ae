// `report:` of a pipeline: what a run did, as one HTML file; docs/pipelines.md describes it.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/pipeline/evaluate.h"
#include "core/pipeline/runner.h"

namespace halftone::cli {

struct RunFigures {
  std::vector<pipeline::StepReport> steps;
  std::set<std::string> warnings;  // of the run itself, besides those of reading the model
  std::optional<pipeline::Evaluation> evaluation;
  std::uint64_t float_bytes = 0;
  std::vector<std::uint64_t> exported_bytes;  // of each export
  double seconds = 0;                         // of the quantization, without the evaluation
  std::uint64_t peak_memory = 0;
};

// All but the section of times and memory is the same for the same run.
std::string run_report(const pipeline::Runner &runner, const RunFigures &figures);

}  // namespace halftone::cli
