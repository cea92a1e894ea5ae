#include "core/pipeline/data_pass.h"

#include <algorithm>
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
  flow.ledger = settings.ledger.get();
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

calibration::SampleRange samples_of(const calibration::Dataset &dataset, const CalibrationSettings &settings) {
  return {settings.first, settings.first + calibration::samples_from(settings.first, settings.limit, dataset.count())};
}

// What has to run for a sample to be known as good. A sample may fail behind every value that a pass looks at.
void add_outputs(const model::Model &model, std::vector<model::Handle> &emits) {
  for (const model::Handle output : model.graph(model.main_graph()).outputs) {
    if (model.value(output).producer != HT_NONE && std::ranges::find(emits, output) == emits.end())
      emits.push_back(output);
  }
}

// Looks at nothing.
class Screen final : public calibration::SampleSink {
 public:
  void begin(std::uint64_t) override {}
  void value(model::Handle, const ht_tensor_view &) override {}
  std::shared_ptr<void> take(host::Context &, const calibration::Sample &) override { return nullptr; }
};

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
  if (settings.ledger) settings.ledger->add(checkpoints.from.progress.skipped);
  if (needs_screening(dataset, settings)) add_outputs(ctx.working->model, session_request.emits);
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
  if (settings.ledger) settings.ledger->set_screened(samples_of(dataset, settings));
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

bool needs_screening(const calibration::Dataset &dataset, const CalibrationSettings &settings) {
  return settings.ledger && settings.on_bad_sample == calibration::BadSample::kSkip &&
         !settings.ledger->screened(samples_of(dataset, settings));
}

void screen(const host::Instance &executor, const host::Context &ctx, const calibration::Dataset &dataset,
            const CalibrationSettings &settings) {
  const calibration::SampleRange range = samples_of(dataset, settings);
  calibration::FlowOptions flow = flow_options(ctx, settings);
  flow.limit = range.end - range.first;
  flow.workers = calibration::worker_count(settings.threads, flow.limit);
  host::SessionRequest request;
  request.workers = flow.workers;
  add_outputs(ctx.working->model, request.emits);
  const std::unique_ptr<host::Session> session = open_session(executor, ctx, request);
  if (settings.memory_budget)
    keep_to(fit_execution({session.get()}, dataset, *ctx.working, {}, settings, flow), {session.get()}, flow);
  const calibration::FlowResult result = calibration::run_flow(
      dataset, *session, flow, [](std::uint32_t) { return std::make_unique<Screen>(); },
      [](std::uint64_t, const std::shared_ptr<void> &) {});
  settings.ledger->set_screened(range);
  if (result.samples == 0 && !settings.may_be_empty) refuse_all_bad(calibration::reasons_of(result.skipped));
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
  const std::unique_ptr<host::Session> session = open_session(executor, ctx, request);
  if (settings.memory_budget)
    keep_to(fit_watches(*session, dataset, *ctx.working, settings, flow), {session.get()}, flow);
  calibration::gather(dataset, *session, flow, watches);
}

}  // namespace halftone::pipeline
