// The calibration service of a run: statistics over the run's data, observers by id.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/calibration/collector.h"
#include "core/calibration/dataset.h"
#include "core/host/instance.h"
#include "core/host/registry.h"
#include "core/host/service/calibration_service.h"
#include "core/pipeline/scale_search.h"

namespace halftone::pipeline {

// How samples are run for calibration.
struct CalibrationSettings {
  std::uint32_t threads = 0;  // 0: all cores; never changes a result
  std::uint64_t limit = 0;    // 0: all samples
  calibration::BadSample on_bad_sample = calibration::BadSample::kFail;
};

class Calibrator final : public host::CalibrationService {
 public:
  // `dataset` null: collect() explains that the run has no calibration data.
  Calibrator(const host::Registry &registry, const host::Instance &executor, const calibration::Dataset *dataset,
             CalibrationSettings settings);
  ~Calibrator() override;

  std::uint32_t wants(host::Context &ctx, model::Handle config, std::string_view observer) override;
  void collect(host::Context &ctx, std::span<const ht_statistics_request> requests,
               const ht_collect_options &options) override;
  const ht_statistics *statistics(host::Context &ctx, model::Handle value) override;
  const ht_statistics *measure(host::Context &ctx, const ht_tensor_view &tensor, std::uint32_t wants,
                               std::uint32_t channel_axis) override;
  void render(host::Context &ctx, model::Handle config, const ht_statistics &statistics,
              std::string_view observer) override;
  std::vector<std::uint32_t> render_all(host::Context &ctx, std::span<const model::Handle> configs,
                                        std::string_view observer) override;

  // What the last data pass did, for the report.
  const calibration::FlowResult &last_flow() const noexcept { return collected_.flow; }

 private:
  const host::Instance &observer_for(host::Context &ctx, const quant::Config &config, std::string_view name);
  // Throws NotFound for a value that the last collect() was not asked for.
  const calibration::Statistics &collected(const host::Context &ctx, model::Handle value) const;
  // Null when there is no element to find a range from.
  std::unique_ptr<RangeTask> range_task(host::Context &ctx, model::Handle handle, std::string_view observer);
  void apply(host::Context &ctx, model::Handle config, const FoundRange &found);

  const host::Registry &registry_;
  const host::Instance &executor_;
  const calibration::Dataset *dataset_;
  CalibrationSettings settings_;
  calibration::Collection collected_;
  std::string key_;  // of collected_, for provenance
  // What the last statistics() or measure() handed out.
  calibration::Statistics measured_;
  std::unique_ptr<calibration::PlainStatistics> current_;
  std::map<std::string, std::unique_ptr<host::Instance>> observers_;  // by id and parameters
};

}  // namespace halftone::pipeline
