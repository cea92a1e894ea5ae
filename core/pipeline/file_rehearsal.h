// What of a pipeline a statistics file can serve, found out by running its passes on one sample as they would run from
// such a file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/calibration/statistics_key.h"
#include "core/host/service/execution_service.h"
#include "core/pipeline/forwarding_calibration.h"
#include "core/pipeline/request_recorder.h"

namespace halftone::pipeline {

// The calibration service of such a run. Requests go on to the service below, which has a sample. A request on a graph
// that the passes made of what they saw in that sample ends the run: no file can be of that graph before the data are
// gone through.
class FileRehearsal final : public ForwardingCalibration, public host::ExecutionService {
 public:
  using ForwardingCalibration::ForwardingCalibration;

  void collect(host::Context &ctx, std::span<const ht_statistics_request> requests,
               const ht_collect_options &options) override;
  void observe_all(host::Context &ctx, std::span<const model::Handle> configs, std::string_view observer,
                   const ht_collect_options &options) override;

  // Samples are what a file does not have.
  host::ExecutionOutcome run(host::Context &ctx, const host::ExecutionRequest &request,
                             const host::ExecutionReceiver &receiver) override;
  std::uint64_t samples(host::Context &ctx, const host::ExecutionRequest &request) const override;
  host::ExecutionOutcome run_trials(host::Context &ctx, const host::TrialRequest &request,
                                    const host::TrialReceiver &receiver) override;
  std::vector<std::int64_t> labels(host::Context &ctx) override;

  // Why the pipeline cannot run from a file: "pass 'seq-mse' runs the model on samples"; empty: it can.
  const std::string &obstacle() const noexcept { return obstacle_; }
  std::vector<RecordedRequest> take() { return std::move(recorded_); }

 private:
  void record(const host::Context &ctx, DataPassRequest request);
  [[noreturn]] void end(std::string obstacle);
  std::vector<RecordedRequest> recorded_;
  calibration::ExecutedGraphs graphs_;  // that a file would be of
  std::string first_;                   // the pass that asked first
  std::string obstacle_;
};

}  // namespace halftone::pipeline
