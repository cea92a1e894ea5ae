#include "core/pipeline/forwarding_calibration.h"

namespace halftone::pipeline {

std::uint32_t ForwardingCalibration::wants(host::Context &ctx, model::Handle config, std::string_view observer) {
  return below_.wants(ctx, config, observer);
}

const ht_statistics *ForwardingCalibration::statistics(host::Context &ctx, model::Handle value) {
  return below_.statistics(ctx, value);
}

const ht_statistics *ForwardingCalibration::measure(host::Context &ctx, const ht_tensor_view &tensor,
                                                    std::uint32_t wants, std::uint32_t channel_axis) {
  return below_.measure(ctx, tensor, wants, channel_axis);
}

void ForwardingCalibration::render(host::Context &ctx, model::Handle config, const ht_statistics &statistics,
                                   std::string_view observer) {
  below_.render(ctx, config, statistics, observer);
}

std::vector<std::uint32_t> ForwardingCalibration::render_all(host::Context &ctx, std::span<const model::Handle> configs,
                                                             std::string_view observer) {
  return below_.render_all(ctx, configs, observer);
}

}  // namespace halftone::pipeline
