// Pipelines inside a program.
#include <chrono>
#include <mutex>
#include <set>

#include <nlohmann/json.hpp>

#include "core/api/failure.h"
#include "core/api/run_request.h"
#include "core/api/text.h"
#include "core/base/process_memory.h"
#include "core/pipeline/comparison.h"
#include "core/pipeline/run_figures.h"
#include "core/pipeline/runner.h"

namespace halftone::api {

namespace {

// Sorted and each once: components may warn from several threads, and every pass tells of the same bad samples.
class Warnings {
 public:
  void listen(host::RunSinks &sinks) {
    sinks.log = [this, tell = std::move(sinks.log)](const host::LogLine &line) {
      tell(line);
      if (line.level < HT_LOG_WARNING) return;
      const std::scoped_lock lock(mutex_);
      texts_.insert(line.text);
    };
  }
  std::set<std::string> take() {
    const std::scoped_lock lock(mutex_);
    return std::move(texts_);
  }

 private:
  std::mutex mutex_;
  std::set<std::string> texts_;
};

pipeline::RunEvents events_of(const Engine &engine, Listening &listening) {
  pipeline::RunEvents events;
  events.sinks = listening.sinks();
  events.step_begins = [&](const pipeline::PlannedStep &step, std::size_t, std::size_t) {
    listening.step(std::string(step.component->id()));
    engine.progress(std::string(step.component->id()), 0, 0);
  };
  return events;
}

std::unique_ptr<ht_model> quantized_model(const std::shared_ptr<Engine> &engine, const pipeline::Runner &runner) {
  auto made = std::make_unique<ht_model>();
  const pipeline::PipelineSpec &spec = runner.spec();
  made->engine = engine;
  made->shared->content.working = runner.model();
  made->shared->content.file = spec.model;
  made->shared->content.platform = spec.platform;
  made->shared->content.platform_settings = spec.platform_settings;
  made->shared->content.executor = spec.executor;
  return made;
}

void refuse_cancelled(const ht_stop *stop) {
  if (stop != nullptr && stop->requested.load()) fail(Status::kCancelled, "cancelled");
}

void run(const std::shared_ptr<Engine> &engine, const ht_run_options &options, ht_model **quantized,
         ht_text **figures) {
  const auto start = std::chrono::steady_clock::now();
  const auto in_use = engine->in_use();
  RunRequest request = run_request(*engine, options);
  Listening listening(*engine, options.stop);
  Warnings warnings;
  pipeline::RunEvents events = events_of(*engine, listening);
  warnings.listen(events.sinks);
  pipeline::Runner runner(engine->registry(), std::move(request.spec), events,
                          request.model ? &*request.model : nullptr);
  for (const std::string &warning : runner.warnings()) engine->log(HT_LOG_WARNING, warning);
  pipeline::TestData test = pipeline::open_test(runner.registry(), runner);
  pipeline::RunFigures out;
  out.steps = runner.run_passes();
  refuse_cancelled(options.stop);
  if (runner.spec().calibration.memory_budget) return_free_memory();
  out.exported_bytes = runner.prepare_exports();
  out.float_bytes = runner.original_bytes();
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  out.peak_memory = peak_memory();
  if (test.dataset) {
    listening.step("evaluate");
    out.evaluation = pipeline::compare(runner.registry(), runner, std::move(test), events.sinks);
  }
  refuse_cancelled(options.stop);
  out.warnings = warnings.take();
  const std::string told = pipeline::figures_of(runner, out).dump(1) + "\n";
  std::unique_ptr<ht_model> made = quantized_model(engine, runner);
  runner.commit_outputs(told);
  give_text(told, figures);
  if (quantized != nullptr) *quantized = made.release();
}

}  // namespace

}  // namespace halftone::api

using namespace halftone;

ht_status HT_CALL ht_run(ht_engine *engine, const ht_run_options *options, ht_model **quantized, ht_text **figures) {
  return api::guarded([&] {
    api::require_given(engine, "engine");
    api::require_given(options, "options");
    api::run(engine->engine, api::options_of(options), quantized, figures);
  });
}

ht_status HT_CALL ht_plan(ht_engine *engine, const ht_run_options *options, ht_text **plan) {
  return api::guarded([&] {
    api::require_given(engine, "engine");
    api::require_given(options, "options");
    const auto in_use = engine->engine->in_use();
    const ht_run_options asked = api::options_of(options);
    api::RunRequest request = api::run_request(*engine->engine, asked);
    api::Listening listening(*engine->engine, asked.stop);
    request.spec.plan_only = true;
    const pipeline::Runner runner(engine->engine->registry(), std::move(request.spec),
                                  api::events_of(*engine->engine, listening),
                                  request.model ? &*request.model : nullptr);
    (void)pipeline::open_test(runner.registry(), runner);
    api::give_text(pipeline::plan_of(runner).dump(1) + "\n", plan);
  });
}
