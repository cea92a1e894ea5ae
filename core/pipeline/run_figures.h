// What a run was like, as the program prints it, and as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/pipeline/evaluate.h"
#include "core/pipeline/runner.h"

namespace halftone::pipeline {

struct RunFigures {
  std::vector<StepReport> steps;
  std::set<std::string> warnings;  // of the run itself, besides those of reading the model
  std::optional<Evaluation> evaluation;
  std::uint64_t float_bytes = 0;
  std::vector<std::uint64_t> exported_bytes;  // of each export
  double seconds = 0;                         // of the quantization, without the evaluation
  std::uint64_t peak_memory = 0;
};

nlohmann::ordered_json figures_of(const Runner &runner, const RunFigures &run);

// The platform and the steps of a run, with the effective parameters of each.
nlohmann::ordered_json plan_of(const Runner &runner);

}  // namespace halftone::pipeline
