// From the options of a run to what the kernel runs.
#pragma once

#include <memory>
#include <optional>

#include "core/api/given_samples.h"
#include "core/api/model.h"
#include "core/model/onnx_io.h"
#include "core/pipeline/pipeline_spec.h"
#include "halftone/embed.h"

namespace halftone::api {

struct RunRequest {
  pipeline::PipelineSpec spec;
  std::optional<model::ImportResult> model;  // where the program gives it
  std::shared_ptr<GivenSamples> calibration, evaluation;
};

// Throws InvalidArgument for what contradicts itself.
RunRequest run_request(const Engine &engine, const ht_run_options &options);

}  // namespace halftone::api
