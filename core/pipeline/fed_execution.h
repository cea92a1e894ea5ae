// A pass runs a part of the model on values of its own instead of the run's data; see `feeds` of ht_execution_options.
#pragma once

#include "core/host/instance.h"
#include "core/host/service/execution_service.h"
#include "core/pipeline/data_pass.h"

namespace halftone::pipeline {

// Of several failures that of the first sample is thrown.
host::ExecutionOutcome run_fed(const host::Instance &executor, host::Context &ctx,
                               const host::ExecutionRequest &request, const host::ExecutionReceiver &receiver,
                               const CalibrationSettings &settings);

}  // namespace halftone::pipeline
