// The execution service of a run: passes see values of the working model, sample by sample.
#pragma once

#include "core/calibration/dataset.h"
#include "core/host/instance.h"
#include "core/host/service/execution_service.h"
#include "core/pipeline/data_pass.h"

namespace halftone::pipeline {

class Execution final : public host::ExecutionService {
 public:
  // `dataset` null: run() explains that the pass needs data. `statistics` names the statistics file that took the
  // data's place; empty: none did.
  Execution(const host::Instance &executor, const calibration::Dataset *dataset, CalibrationSettings settings,
            std::string statistics = {})
      : executor_(executor), dataset_(dataset), settings_(settings), statistics_(std::move(statistics)) {}
  // Where class numbers of the samples of the dataset come from, when a pass asks.
  void labels_from(std::function<std::vector<std::int64_t>()> read) { read_labels_ = std::move(read); }

  host::ExecutionOutcome run(host::Context &ctx, const host::ExecutionRequest &request,
                             const host::ExecutionReceiver &receiver) override;
  std::uint64_t samples(host::Context &ctx, const host::ExecutionRequest &request) const override;
  host::ExecutionOutcome run_trials(host::Context &ctx, const host::TrialRequest &request,
                                    const host::TrialReceiver &receiver) override;
  std::vector<std::int64_t> labels(host::Context &ctx) override;

 private:
  std::unique_ptr<host::Session> open(const host::Context &ctx, host::WorkingModel &working,
                                      const host::ExecutionRequest &request, std::uint32_t workers) const;
  // The samples that are asked for, of those of the run that are not known to be bad.
  calibration::SampleRange range_of(const host::ExecutionRequest &request) const;
  std::uint64_t samples_in(const calibration::SampleRange &range) const;  // without those that are known to be bad
  // Finds the bad ones first, where no pass has done so: which samples a pass gets must not depend on its being the
  // first.
  void know_samples(const host::Context &ctx) const;
  calibration::FlowOptions flow_options(const host::Context &ctx, const host::ExecutionRequest &request) const;

  const host::Instance &executor_;
  const calibration::Dataset *dataset_;
  CalibrationSettings settings_;
  std::string statistics_;
  std::function<std::vector<std::int64_t>()> read_labels_;
};

// Why a pass that runs the model cannot do without samples, as an error.
[[noreturn]] void refuse_without_data(const std::string &pass, const std::string &statistics);

}  // namespace halftone::pipeline
