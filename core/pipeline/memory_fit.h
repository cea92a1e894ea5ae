// How many workers a data pass may have within the memory budget of its run.
#pragma once

#include <vector>

#include "core/calibration/memory_plan.h"
#include "core/calibration/sample_flow.h"
#include "core/host/service/execution_service.h"
#include "core/host/session.h"
#include "core/pipeline/data_pass.h"
#include "core/pipeline/evaluate.h"

namespace halftone::pipeline {

// Reads one sample and runs it once, to see what a sample takes, and plans from that, from what the executor says of
// its own memory and from the number of values. Throws ResourceExhausted when the budget is too small for one worker,
// and Unimplemented for an executor that cannot say what it needs.
calibration::MemoryPlan fit_memory(const host::Session &session, const calibration::Dataset &dataset,
                                   const host::WorkingModel &working, const DataPassRequest &request,
                                   const CalibrationSettings &settings, std::uint32_t workers);

// The same for a pass that sees values itself; `flow` says which samples and how many workers.
calibration::MemoryPlan fit_execution(const std::vector<const host::Session *> &sessions,
                                      const calibration::Dataset &dataset, const host::WorkingModel &working,
                                      const host::ExecutionRequest &request, const CalibrationSettings &settings,
                                      const calibration::FlowOptions &flow);

// The same for another pass for watches, whose accumulators nobody can tell the size of.
calibration::MemoryPlan fit_watches(const host::Session &session, const calibration::Dataset &dataset,
                                    const host::WorkingModel &working, const CalibrationSettings &settings,
                                    const calibration::FlowOptions &flow);

// Workers for pieces of a pass's own work, each of which holds so many bytes.
calibration::MemoryPlan fit_pieces(const CalibrationSettings &settings, const model::Model &model,
                                   std::uint32_t workers, std::uint64_t worker_bytes);

// Sets the flow's workers and what a sample may take. Samples of other shapes than the one that was planned for make
// the executors plan anew: what that takes is charged to the sample.
void keep_to(const calibration::MemoryPlan &plan, std::vector<const host::Session *> sessions,
             calibration::FlowOptions &flow);

// The same for an evaluation, whose sessions are open; `flow` is made to keep to the plan.
calibration::MemoryPlan fit_evaluation(const EvaluationRequest &request, const calibration::Dataset &dataset,
                                       std::uint64_t budget, calibration::FlowOptions &flow);

// The sessions of one pass of an analysis.
struct AnalysisSessions {
  std::vector<const host::Session *> whole;  // of the model on its inputs; the first one hands over what is kept
  std::vector<const host::Session *> parts;  // that are fed with values which the first one hands over
  std::uint64_t copies = 1;                  // of each of these values on a worker
  std::uint64_t worker_bytes = 0;            // that a worker holds beside them
};

// The same for such a pass; `flow` is made to keep to the plan. Samples of other shapes than the first are charged for
// the tensors of the whole model.
calibration::MemoryPlan fit_analysis(const AnalysisSessions &sessions, const calibration::Dataset &dataset,
                                     std::uint64_t budget, calibration::FlowOptions &flow);

// The same for a run whose statistics come from a file: searches and export.
calibration::MemoryPlan fit_searches(const CalibrationSettings &settings, const model::Model &model,
                                     std::uint32_t workers);

}  // namespace halftone::pipeline
