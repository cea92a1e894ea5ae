// A calibration service over another: what it does not do itself goes on to the one below.
#pragma once

#include "core/host/service/calibration_service.h"

namespace halftone::pipeline {

class ForwardingCalibration : public host::CalibrationService {
 public:
  // `below` outlives it.
  explicit ForwardingCalibration(host::CalibrationService &below) : below_(below) {}

  std::uint32_t wants(host::Context &ctx, model::Handle config, std::string_view observer) override;
  const ht_statistics *statistics(host::Context &ctx, model::Handle value) override;
  const ht_statistics *measure(host::Context &ctx, const ht_tensor_view &tensor, std::uint32_t wants,
                               std::uint32_t channel_axis) override;
  void render(host::Context &ctx, model::Handle config, const ht_statistics &statistics,
              std::string_view observer) override;
  std::vector<std::uint32_t> render_all(host::Context &ctx, std::span<const model::Handle> configs,
                                        std::string_view observer) override;

 protected:
  host::CalibrationService &below() noexcept { return below_; }

 private:
  host::CalibrationService &below_;
};

}  // namespace halftone::pipeline
