#include "core/pipeline/data_pass.h"

#include <memory>
#include <set>
#include <utility>

#include "core/base/error.h"
#include "core/calibration/statistics_key.h"
#include "core/pipeline/memory_fit.h"

namespace halftone::pipeline {
namespace {

calibration::FlowOptions flow_options(const host::Context &ctx, const CalibrationSettings &settings) {
  calibration::FlowOptions flow;
  flow.first = settings.first;
  flow.limit = settings.limit;
  flow.on_bad_sample = settings.on_bad_sample;
  flow.sinks = ctx.sinks;
  return flow;
}

// With a context of its own: the session must not leave memory in the pass's arena.
std::unique_ptr<host::Session> open_session(const host::Instance &executor, const host::Context &ctx,
                                            const host::SessionRequest &request) {
  host::Context own;
  own.working = ctx.working;
  own.kernels = ctx.kernels;
  own.sinks = ctx.sinks;
  return std::make_unique<host::Session>(executor, own, request);
}

}  // namespace

void refuse_all_bad(const std::vector<std::string> &skipped) {
  fail(Status::kDataLoss, "no calibration sample could be used; the first was refused because: {}",
       skipped.empty() ? "(none was read)" : skipped.front());
}

DataPassResult run_data_pass(const host::Instance &executor, const host::Context &ctx,
                             const calibration::Dataset &dataset, const CalibrationSettings &settings,
                             const DataPassRequest &request, Checkpoints checkpoints, calibration::Watches *watches) {
  calibration::CollectPlan plan;
  plan.requests = request.requests;
  plan.group = request.group;
  plan.watches = watches;
  plan.flow = flow_options(ctx, settings);
  plan.flow.workers = calibration::worker_count(settings.threads, dataset.count());
  plan.checkpoint_every = checkpoints.every;
  plan.checkpoint = std::move(checkpoints.keep);

  host::SessionRequest session_request;
  session_request.mode = request.simulated ? host::Mode::kSimulated : host::Mode::kFloat;
  session_request.quantized_weights = request.quantized_weights;
  session_request.workers = plan.flow.workers;
  session_request.sequence = dataset.sequence();
  for (const auto &[value, _] : request.requests) session_request.emits.push_back(value);
  const std::unique_ptr<host::Session> opened = open_session(executor, ctx, session_request);
  const host::Session &session = *opened;

  if (settings.memory_budget) {
    const calibration::MemoryPlan memory =
        fit_memory(session, dataset, *ctx.working, request, settings, plan.flow.workers);
    keep_to(memory, {&session}, plan.flow);
    if (ctx.sinks.notice) ctx.sinks.notice(memory.text());
  }
  checkpoints.from.collection.executed = request.simulated
                                             ? calibration::simulated_digest(*ctx.working)
                                             : calibration::executed_digest(*ctx.working, request.quantized_weights);
  DataPassResult result;
  result.workers = plan.flow.workers;
  try {
    result.collected = calibration::collect(dataset, session, ctx.working->model, plan, std::move(checkpoints.from));
  } catch (Error &error) {
    if (error.status() == Status::kDataLoss) {
      error.note(kSkipBadSamples);
    }
    throw;
  }
  const calibration::Collection &all = result.collected.collection;
  if (all.samples == 0 && !settings.may_be_empty) {
    refuse_all_bad(all.skipped);
  }
  if (const std::size_t skipped = all.skipped.size(); skipped != 0 && ctx.sinks.log) {
    ctx.sinks.log({HT_LOG_WARNING, fmt::format("skipped {} of {} calibration samples; the first because: {}", skipped,
                                               skipped + all.samples, all.skipped.front())});
  }
  return result;
}

void run_watch_pass(const host::Instance &executor, const host::Context &ctx, const calibration::Dataset &dataset,
                    const CalibrationSettings &settings, const DataPassRequest &before, std::uint32_t workers,
                    calibration::Watches &watches) {
  calibration::FlowOptions flow = flow_options(ctx, settings);
  flow.workers = workers;
  host::SessionRequest request;
  request.mode = before.simulated ? host::Mode::kSimulated : host::Mode::kFloat;
  request.quantized_weights = before.quantized_weights;
  request.workers = workers;
  request.sequence = dataset.sequence();
  std::set<model::Handle> values;
  for (const calibration::Watch &watch : watches) values.insert(watch.value);
  request.emits.assign(values.begin(), values.end());
  calibration::gather(dataset, *open_session(executor, ctx, request), flow, watches);
}

}  // namespace halftone::pipeline
