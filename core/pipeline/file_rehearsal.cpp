#include "core/pipeline/file_rehearsal.h"

#include <utility>

#include "core/base/error.h"
#include "core/pipeline/given_statistics.h"
#include "core/pipeline/observation.h"

namespace halftone::pipeline {

void FileRehearsal::end(std::string obstacle) {
  obstacle_ = std::move(obstacle);
  fail(Status::kFailedPrecondition, "{}", obstacle_);
}

void FileRehearsal::record(const host::Context &ctx, DataPassRequest request) {
  if (request.simulated) end("pass '" + ctx.component + "' runs the quantized model on samples");
  const calibration::ExecutedGraphs graphs = calibration::executed_graphs(*ctx.working);
  if (first_.empty()) {
    first_ = ctx.component;
    graphs_ = graphs;
  }
  if (!graphs_.contain(request.quantized_weights ? graphs.quantized_weights : graphs.plain)) {
    end("pass '" + ctx.component + "' asks for statistics of a model that depends on those that pass '" + first_ +
        "' asked for");
  }
  recorded_.push_back({*ctx.working, std::move(request)});
}

void FileRehearsal::collect(host::Context &ctx, std::span<const ht_statistics_request> requests,
                            const ht_collect_options &options) {
  record(ctx, data_pass_request(requests, options));
  below().collect(ctx, requests, options);
}

void FileRehearsal::observe_all(host::Context &ctx, std::span<const model::Handle> configs, std::string_view observer,
                                const ht_collect_options &options) {
  record(ctx, data_pass_request(observation_requests(*this, ctx, configs, observer, options), options));
  below().observe_all(ctx, configs, observer, options);
}

host::ExecutionOutcome FileRehearsal::run(host::Context &ctx, const host::ExecutionRequest &,
                                          const host::ExecutionReceiver &) {
  end("pass '" + ctx.component + "' runs the model on samples");
}

std::uint64_t FileRehearsal::samples(host::Context &, const host::ExecutionRequest &) const {
  return 0;
}

host::ExecutionOutcome FileRehearsal::run_trials(host::Context &ctx, const host::TrialRequest &,
                                                 const host::TrialReceiver &) {
  end("pass '" + ctx.component + "' runs the model on samples");
}

std::vector<std::int64_t> FileRehearsal::labels(host::Context &) {
  return {};
}

}  // namespace halftone::pipeline
