// Statistics of a file in place of calibration data.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "core/calibration/statistics_file.h"
#include "core/calibration/statistics_key.h"
#include "core/host/context.h"
#include "core/pipeline/data_pass.h"
#include "halftone/calibration.h"

namespace halftone::pipeline {

struct GivenStatistics {
  std::string path;  // for messages
  calibration::StatisticsFile file;
  std::string wants_samples;  // the first pass of the run that may run the model on samples; empty: none
};

// Reads a statistics file for a model. Throws, besides what reading throws, when it is of another model (naming both)
// or of a calibration that was interrupted.
GivenStatistics read_given_statistics(const std::filesystem::path &path, const std::filesystem::path &model_path,
                                      const model::Model &model);

// What a pass asks of "ht.calibration/1".
DataPassRequest data_pass_request(std::span<const ht_statistics_request> requests, const ht_collect_options &options);

// The collection that answers the request. `first` is of the graph that the run's first request was about, and set by
// that: a file can be of no other. Throws NotFound saying what the file lacks, and how to collect it or why that cannot
// be.
const calibration::Collection &require_statistics(const GivenStatistics &given, const host::WorkingModel &working,
                                                  const DataPassRequest &request,
                                                  std::optional<calibration::ExecutedGraphs> &first);

}  // namespace halftone::pipeline
