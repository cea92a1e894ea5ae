// What a pipeline asks of the calibration data, found out without data.
#pragma once

#include <optional>

#include "core/host/service/calibration_service.h"
#include "core/pipeline/data_pass.h"

namespace halftone::pipeline {

// The model as it stands when a pass asks for statistics, and what it asks for.
struct RecordedRequest {
  host::WorkingModel working;
  DataPassRequest request;
};

// The calibration service of a run that ends at the first collect(): it records the request and refuses it with
// Cancelled. Everything else goes on to the service below.
class RequestRecorder final : public host::CalibrationService {
 public:
  explicit RequestRecorder(host::CalibrationService &below) : below_(below) {}

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

  bool recorded() const noexcept { return recorded_.has_value(); }
  std::optional<RecordedRequest> take() { return std::move(recorded_); }

 private:
  host::CalibrationService &below_;
  std::optional<RecordedRequest> recorded_;
};

}  // namespace halftone::pipeline
