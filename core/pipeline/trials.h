// Trials of a run: samples go through the float model once, and again through what lies behind each trial's operators.
#pragma once

#include "core/calibration/dataset.h"
#include "core/calibration/sample_flow.h"
#include "core/host/instance.h"
#include "core/host/service/execution_service.h"
#include "core/pipeline/data_pass.h"

namespace halftone::pipeline {

struct TrialData {
  const calibration::Dataset &dataset;
  const CalibrationSettings &settings;
  const calibration::FlowOptions &flow;  // which samples, how many workers at most
};

// In as many passes over the samples as the parameters behind the trials ask for. `ctx` is the pass's.
host::ExecutionOutcome run_trials(const host::Instance &executor, host::Context &ctx, const TrialData &data,
                                  const host::TrialRequest &request, const host::TrialReceiver &receiver);

}  // namespace halftone::pipeline
