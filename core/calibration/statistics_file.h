// The statistics file, .htstats: what was collected, kept for runs without data, for merging and for going on after an
// interruption. htstats.proto has the format.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/calibration/collector.h"

namespace halftone::calibration {

struct StatisticsFile {
  std::string model_name;              // the file that was calibrated, without its folder
  Digest model;                        // model_digest() of the model as it was read
  std::vector<std::string> executors;  // what computed: "onednn, avx512"; sorted, each once
  std::vector<Collected> collections;  // sorted by executed graph and group
  bool checkpoint = false;             // of a calibration that has not come to its end; keeps the progress of each
};

// Equal contents give equal bytes. Throws ResourceExhausted beyond the 2 GiB that a protobuf message can hold.
std::string to_bytes(const StatisticsFile &file);
// `name` is for messages. Throws DataLoss for what is no statistics file, cut off or damaged, and FailedPrecondition
// for a newer version.
StatisticsFile statistics_from_bytes(std::string_view bytes, const std::string &name);
StatisticsFile read_statistics(const std::filesystem::path &path);

// Joins a shard. Throws InvalidArgument or FailedPrecondition with what does not fit, without the files' names: another
// model, other platforms, the same samples, a file that is not finished. `into` is then unspecified.
void merge(StatisticsFile &into, const StatisticsFile &other);

}  // namespace halftone::calibration
