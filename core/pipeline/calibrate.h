// Collects the statistics that runs for some platforms will ask for, in one pass over the data for each graph that
// their passes make of the model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/calibration/statistics_file.h"
#include "core/host/registry.h"
#include "core/pipeline/pipeline_spec.h"
#include "core/pipeline/runner.h"

namespace halftone::pipeline {

// Part `number` of `count` contiguous parts of the samples, counted from 1.
struct Shard {
  std::uint64_t number = 1, count = 1;
};

struct CalibratePlan {
  // One for each pipeline whose requests are collected; all of one model and one set of data, which the first names.
  std::vector<PipelineSpec> pipelines;
  Shard shard;
  std::filesystem::path checkpoint;            // where the state of an unfinished pass is kept
  std::uint64_t checkpoint_every = 0;          // samples; 0: about every ten seconds
  bool resume = false;                         // go on from the checkpoint, where there is one
  const model::ImportResult *model = nullptr;  // where somebody has read it already
};

struct CalibrateResult {
  calibration::StatisticsFile file;
  std::uint64_t resumed_at = 0;  // samples that were taken from the checkpoint
};

// Refuses an output of another ending than .htstats, or none: it would not be known again.
void require_statistics_name(const std::string &output);

// Asks every pipeline for its request, then collects. Histograms are collected whatever the observers want, so that any
// observer can be chosen later. The checkpoint is left to the caller to remove when the result is safe. Throws
// FailedPrecondition when there is a checkpoint and `resume` is not set, or when it is of another calibration.
CalibrateResult calibrate(const host::Registry &registry, const CalibratePlan &plan, const RunEvents &events);

}  // namespace halftone::pipeline
