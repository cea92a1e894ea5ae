// The float model against the quantized one of the same run, on test samples.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/calibration/dataset.h"
#include "core/calibration/sample_flow.h"
#include "core/host/registry.h"
#include "core/pipeline/evaluate.h"
#include "core/pipeline/runner.h"

namespace halftone::pipeline {

// How samples flow, of `samples` that there are; of a number that is not known yet, ~0.
calibration::FlowOptions flow_options(const DataSpec &data, const host::RunSinks &sinks, std::uint64_t samples);

// The samples that the models are compared on; opened before the passes run, so that what is wrong with them costs no
// time. Without a dataset where the run evaluates nothing.
struct TestData {
  std::unique_ptr<calibration::Dataset> dataset;
  std::vector<std::int64_t> labels;
};
TestData open_test(const host::Registry &registry, const Runner &runner);

// Float model against the quantized one, both in this process, on the test samples.
Evaluation compare(const host::Registry &registry, const Runner &runner, TestData test, const host::RunSinks &sinks);

}  // namespace halftone::pipeline
