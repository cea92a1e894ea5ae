// What a run leaves behind of a pass that failed: a folder from which the failure can be had again.
#pragma once

#include <filesystem>
#include <string>

#include "core/base/error.h"
#include "core/host/registry.h"
#include "core/pipeline/pipeline_spec.h"
#include "core/pipeline/plan.h"
#include "core/pipeline/run_state.h"

namespace halftone::pipeline {

struct FailedStep {
  const PlannedStep &step;
  const Error &error;
};

// Whether such a failure is written without being asked for: one that lies in the plug-in, and not in what the user
// wants, has or can afford.
bool is_plugin_fault(Status status);

// Where the folder goes when nobody says: beside the report or the first output, or among the temporary files.
std::filesystem::path default_reproducer(const PipelineSpec &spec);

// Writes pipeline.yaml, before.state and reproducer.json into `folder`, which appears complete or not at all. An older
// reproducer there is replaced; anything else is not. Gives the command that runs it again.
std::string write_reproducer(const std::filesystem::path &folder, const PipelineSpec &spec,
                             const host::Registry &registry, const FailedStep &failed, const RunState &before);

}  // namespace halftone::pipeline
