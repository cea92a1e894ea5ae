// One pass as a transaction: it works on a copy, the verifier looks at it, and only then does the model change.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/host/context.h"
#include "core/host/kernel_index.h"
#include "core/pipeline/plan.h"

namespace halftone::pipeline {

struct StepReport {
  std::string id;
  double seconds = 0;
  bool inserted = false;
  std::string failure;  // why the run goes on without it; empty for a pass that did its work
  std::vector<std::pair<std::string, std::string>> rows;
  std::vector<host::Artefact> artefacts;
};

// What passes find beside the model.
struct RunServices {
  host::RunSinks sinks;
  host::CalibrationService *calibration = nullptr;
  host::TargetService *target = nullptr;
  const host::KernelIndex *kernels = nullptr;
  host::ExecutionService *execution = nullptr;
  host::ParallelService *parallel = nullptr;
  host::TrainingService *training = nullptr;
  host::WorkingModel *reference = nullptr;  // the float network to compare with; null: the model before the pass
};

// What is looked at before edits count. Throws what is wrong with the graph or a config.
void verify(const host::WorkingModel &working);

// Runs the step on a copy of `model` and moves the copy over it on success. On any failure the model is untouched and
// the error's notes say which pass it was. A checked pass that promises the same result every time runs on two copies,
// and has to keep its promise.
StepReport run_step(const PlannedStep &step, const RunServices &services, host::WorkingModel &model);

}  // namespace halftone::pipeline
