#include "core/pipeline/request_recorder.h"

#include <utility>

#include "core/base/error.h"
#include "core/pipeline/execution.h"
#include "core/pipeline/given_statistics.h"
#include "core/pipeline/observation.h"

namespace halftone::pipeline {

std::uint32_t RequestRecorder::wants(host::Context &ctx, model::Handle config, std::string_view observer) {
  return below_.wants(ctx, config, observer);
}

void RequestRecorder::collect(host::Context &ctx, std::span<const ht_statistics_request> requests,
                              const ht_collect_options &options) {
  DataPassRequest request = data_pass_request(requests, options);
  if (request.simulated) refuse_without_data(ctx.component, {});  // what a file could not hold is not recorded
  recorded_.emplace(RecordedRequest{*ctx.working, std::move(request)});
  fail(Status::kCancelled, "the request is recorded; there are no statistics yet");
}

void RequestRecorder::observe_all(host::Context &ctx, std::span<const model::Handle> configs, std::string_view observer,
                                  const ht_collect_options &options) {
  collect(ctx, observation_requests(*this, ctx, configs, observer, options), options);
}

const ht_statistics *RequestRecorder::statistics(host::Context &ctx, model::Handle value) {
  return below_.statistics(ctx, value);
}

const ht_statistics *RequestRecorder::measure(host::Context &ctx, const ht_tensor_view &tensor, std::uint32_t wants,
                                              std::uint32_t channel_axis) {
  return below_.measure(ctx, tensor, wants, channel_axis);
}

void RequestRecorder::render(host::Context &ctx, model::Handle config, const ht_statistics &statistics,
                             std::string_view observer) {
  below_.render(ctx, config, statistics, observer);
}

std::vector<std::uint32_t> RequestRecorder::render_all(host::Context &ctx, std::span<const model::Handle> configs,
                                                       std::string_view observer) {
  return below_.render_all(ctx, configs, observer);
}

}  // namespace halftone::pipeline
