// What a pipeline asks of the calibration data, found out without data.
#pragma once

#include <optional>

#include "core/pipeline/data_pass.h"
#include "core/pipeline/forwarding_calibration.h"

namespace halftone::pipeline {

// The model as it stands when a pass asks for statistics, and what it asks for.
struct RecordedRequest {
  host::WorkingModel working;
  DataPassRequest request;
};

// The calibration service of a run that ends at the first collect(): it records the request and refuses it with
// Cancelled. Everything else goes on to the service below.
class RequestRecorder final : public ForwardingCalibration {
 public:
  using ForwardingCalibration::ForwardingCalibration;

  void collect(host::Context &ctx, std::span<const ht_statistics_request> requests,
               const ht_collect_options &options) override;
  void observe_all(host::Context &ctx, std::span<const model::Handle> configs, std::string_view observer,
                   const ht_collect_options &options) override;

  bool recorded() const noexcept { return recorded_.has_value(); }
  std::optional<RecordedRequest> take() { return std::move(recorded_); }

 private:
  std::optional<RecordedRequest> recorded_;
};

}  // namespace halftone::pipeline
