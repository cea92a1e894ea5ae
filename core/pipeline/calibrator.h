// The calibration service of a run: statistics over the run's data, observers by id.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/calibration/collector.h"
#include "core/calibration/dataset.h"
#include "core/host/instance.h"
#include "core/host/registry.h"
#include "core/host/service/calibration_service.h"
#include "core/pipeline/chosen_observers.h"
#include "core/pipeline/data_pass.h"
#include "core/pipeline/given_statistics.h"
#include "core/pipeline/observation.h"
#include "core/pipeline/scale_search.h"

namespace halftone::pipeline {

class Calibrator final : public host::CalibrationService {
 public:
  // `chosen` observers go before those that a pass names. `given` holds the statistics of a run without data; without
  // it, `dataset` null lets collect() explain that the run has no calibration data.
  Calibrator(const host::Registry &registry, const host::Instance &executor, const calibration::Dataset *dataset,
             CalibrationSettings settings, const GivenStatistics *given = nullptr,
             const ChosenObservers *chosen = nullptr);
  ~Calibrator() override;

  std::uint32_t wants(host::Context &ctx, model::Handle config, std::string_view observer) override;
  void collect(host::Context &ctx, std::span<const ht_statistics_request> requests,
               const ht_collect_options &options) override;
  void observe_all(host::Context &ctx, std::span<const model::Handle> configs, std::string_view observer,
                   const ht_collect_options &options) override;
  const ht_statistics *statistics(host::Context &ctx, model::Handle value) override;
  const ht_statistics *measure(host::Context &ctx, const ht_tensor_view &tensor, std::uint32_t wants,
                               std::uint32_t channel_axis) override;
  void render(host::Context &ctx, model::Handle config, const ht_statistics &statistics,
              std::string_view observer) override;
  std::vector<std::uint32_t> render_all(host::Context &ctx, std::span<const model::Handle> configs,
                                        std::string_view observer) override;

 private:
  const host::Instance &observer_for(host::Context &ctx, model::Handle config, std::string_view name);
  void collect_watched(host::Context &ctx, const DataPassRequest &request, calibration::Watches &watches);
  // Throws NotFound for a value that the last collect() was not asked for.
  const calibration::Statistics &collected(const host::Context &ctx, model::Handle value) const;
  // Null when there is no element to find a range from.
  std::unique_ptr<RangeTask> range_task(host::Context &ctx, model::Handle handle, std::string_view observer);
  void apply(host::Context &ctx, model::Handle config, const FoundRange &found);

  const host::Registry &registry_;
  const host::Instance &executor_;
  const calibration::Dataset *dataset_;
  CalibrationSettings settings_;
  const GivenStatistics *given_;
  const ChosenObservers *chosen_;
  std::uint32_t search_threads_;       // 0: all cores; fewer where the memory budget allowed fewer workers
  calibration::Collection collected_;  // of the last data pass
  const calibration::Collection *in_use_ = nullptr;  // what collect() asked for last: collected_, or a part of given_
  std::optional<calibration::ExecutedGraphs> first_graphs_;  // what the first request to given_ was about
  std::string key_;                                          // of in_use_, for provenance
  std::uint32_t data_workers_ = 1;                           // of the last data pass
  // What the last statistics() or measure() handed out.
  calibration::Statistics measured_;
  std::unique_ptr<calibration::PlainStatistics> current_;
  std::map<std::string, std::unique_ptr<host::Instance>> observers_;  // by id and parameters
  Gathered gathered_;  // of the last observe_all(); it ends before the observers that it belongs to
};

}  // namespace halftone::pipeline
