#include "core/pipeline/request_recorder.h"

#include <utility>

#include "core/base/error.h"
#include "core/pipeline/execution.h"
#include "core/pipeline/given_statistics.h"
#include "core/pipeline/observation.h"

namespace halftone::pipeline {

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

}  // namespace halftone::pipeline
