// What "ht.calibration/1" stands for inside the kernel; core/pipeline implements it for a run.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/host/context.h"
#include "halftone/calibration.h"

namespace halftone::host {

// See halftone/calibration.h for each function. All throw.
class CalibrationService {
 public:
  virtual ~CalibrationService() = default;
  virtual std::uint32_t wants(Context &ctx, model::Handle config, std::string_view observer) = 0;
  virtual void collect(Context &ctx, std::span<const ht_statistics_request> requests,
                       const ht_collect_options &options) = 0;
  virtual const ht_statistics *statistics(Context &ctx, model::Handle value) = 0;
  virtual const ht_statistics *measure(Context &ctx, const ht_tensor_view &tensor, std::uint32_t wants,
                                       std::uint32_t channel_axis) = 0;
  virtual void render(Context &ctx, model::Handle config, const ht_statistics &statistics,
                      std::string_view observer) = 0;
  virtual void observe_all(Context &ctx, std::span<const model::Handle> configs, std::string_view observer,
                           const ht_collect_options &options) = 0;
  // For each config 1, or 0 where there was nothing to render from.
  virtual std::vector<std::uint32_t> render_all(Context &ctx, std::span<const model::Handle> configs,
                                                std::string_view observer) = 0;
};

}  // namespace halftone::host
