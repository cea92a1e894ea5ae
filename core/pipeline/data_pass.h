// One pass of the data through an executor for statistics.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/calibration/collector.h"
#include "core/calibration/dataset.h"
#include "core/host/instance.h"

namespace halftone::pipeline {

// How samples are run for calibration.
struct CalibrationSettings {
  std::uint32_t threads = 0;  // 0: all cores; never changes a result
  std::uint64_t first = 0;    // samples before this one are left out
  std::uint64_t limit = 0;    // from there on; 0: all
  calibration::BadSample on_bad_sample = calibration::BadSample::kFail;
  // Shared by all passes over the same data; null: each pass finds bad samples for itself.
  std::shared_ptr<calibration::SampleLedger> ledger;
  std::optional<std::uint64_t> memory_budget;  // bytes, of the whole process
  // What comes after the pass and counts towards the budget.
  bool exports = false, evaluates = false, writes_statistics = false;
  std::uint64_t statistics_before = 0;  // bytes of other passes' statistics, which are written with this one's
  bool may_be_empty = false;            // a shard all of whose samples are skipped is no failure
};

// What is gathered on a graph.
struct DataPassRequest {
  calibration::Requests requests;  // by values of the working model
  std::uint64_t group = 0;         // samples in a group, for the requests that want groups
  bool quantized_weights = false;
  bool simulated = false;  // of the network as it is quantized now; never from or into a statistics file
};

// Where an interrupted pass goes on, and how the next interruption is prepared for.
struct Checkpoints {
  std::uint64_t every = 0;  // samples
  std::function<void(const calibration::Collected &)> keep;
  calibration::Collected from;
};

// What to do about bad samples, for an error that one of them raised.
inline constexpr const char *kSkipBadSamples =
    "`on_bad_sample: skip` (--on-bad-sample skip) passes over samples that cannot be used";

// Throws DataLoss with the first of the reasons why every sample was skipped.
[[noreturn]] void refuse_all_bad(const std::vector<std::string> &skipped);

struct DataPassResult {
  calibration::Collected collected;
  std::uint32_t workers = 1;  // that it had, and that what follows may have
};
// Opens a session for the working model and runs the samples through it, with no more workers than the memory budget
// allows; what it plans is told to the sinks before it begins. Skipped samples are warned about. `watches` see the
// values as they come. Throws DataLoss when no sample could be used, ResourceExhausted when the budget is too small.
DataPassResult run_data_pass(const host::Instance &executor, const host::Context &ctx,
                             const calibration::Dataset &dataset, const CalibrationSettings &settings,
                             const DataPassRequest &request, Checkpoints checkpoints = {},
                             calibration::Watches *watches = nullptr);

// Samples are to be skipped, and it is not known of all of the run's whether they are good.
bool needs_screening(const calibration::Dataset &dataset, const CalibrationSettings &settings);

// Runs the whole network on the run's samples, so that it is known which are bad before a pass sees any.
void screen(const host::Instance &executor, const host::Context &ctx, const calibration::Dataset &dataset,
            const CalibrationSettings &settings);

// Another pass over the samples of `before`, for watches alone; as many workers as that pass was allowed.
void run_watch_pass(const host::Instance &executor, const host::Context &ctx, const calibration::Dataset &dataset,
                    const CalibrationSettings &settings, const DataPassRequest &before, std::uint32_t workers,
                    calibration::Watches &watches);

}  // namespace halftone::pipeline
