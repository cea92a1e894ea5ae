#include <algorithm>
#include <cstring>
#include <vector>

#include "core/host/service/calibration_service.h"
#include "core/host/service/table.h"
#include "core/host/service/tables.h"

namespace halftone::host {

namespace {

CalibrationService &calibration_of(ht_ctx *ctx) {
  if (ctx->calibration == nullptr) fail(Status::kFailedPrecondition, "this call has no calibration data");
  return *ctx->calibration;
}

// What a caller with an older, shorter struct left out is zero.
ht_collect_options read_options(const ht_collect_options *given) {
  ht_collect_options options{};
  if (given != nullptr) std::memcpy(&options, given, std::min<std::size_t>(given->struct_size, sizeof(options)));
  if (options.mode > HT_MODE_SIMULATED) {
    fail(Status::kInvalidArgument, "statistics are of float or simulated runs, not of mode {}", options.mode);
  }
  return options;
}

ht_status HT_CALL wants(ht_ctx *ctx, ht_handle config, const ht_str *observer, std::uint32_t *out) {
  return serve_run(ctx, [&] { *out = calibration_of(ctx).wants(*ctx, config, text(observer)); });
}

ht_status HT_CALL collect(ht_ctx *ctx, const ht_statistics_request *requests, std::uint64_t count,
                          const ht_collect_options *options) {
  return serve_run(ctx, [&] {
    std::vector<ht_statistics_request> list;
    for (std::uint64_t i = 0; i < count; ++i) list.push_back(*element(requests, i));
    calibration_of(ctx).collect(*ctx, list, read_options(options));
  });
}

ht_status HT_CALL statistics(ht_ctx *ctx, ht_handle value, const ht_statistics **out) {
  return serve_run(ctx, [&] { *out = calibration_of(ctx).statistics(*ctx, value); });
}

ht_status HT_CALL measure(ht_ctx *ctx, const ht_tensor_view *tensor, std::uint32_t what, std::uint32_t channel_axis,
                          const ht_statistics **out) {
  return serve_run(ctx, [&] { *out = calibration_of(ctx).measure(*ctx, *tensor, what, channel_axis); });
}

ht_status HT_CALL render(ht_ctx *ctx, ht_handle config, const ht_statistics *stats, const ht_str *observer) {
  return serve_run(ctx, [&] { calibration_of(ctx).render(*ctx, config, *stats, text(observer)); });
}

ht_status HT_CALL render_all(ht_ctx *ctx, const ht_handle *configs, std::uint64_t count, const ht_str *observer,
                             std::uint32_t *rendered) {
  return serve_run(ctx, [&] {
    const std::span<const ht_handle> list(configs, static_cast<std::size_t>(count));
    std::ranges::copy(calibration_of(ctx).render_all(*ctx, list, text(observer)), rendered);
  });
}

ht_status HT_CALL observe_all(ht_ctx *ctx, const ht_handle *configs, std::uint64_t count, const ht_str *observer,
                              const ht_collect_options *options) {
  return serve_run(ctx, [&] {
    const std::span<const ht_handle> list(configs, static_cast<std::size_t>(count));
    calibration_of(ctx).observe_all(*ctx, list, text(observer), read_options(options));
  });
}

}  // namespace

const ht_calibration *calibration_table() {
  static constexpr ht_calibration kTable = {
      sizeof(ht_calibration), 0, &wants, &collect, &statistics, &measure, &render, &render_all, &observe_all};
  return &kTable;
}

}  // namespace halftone::host
