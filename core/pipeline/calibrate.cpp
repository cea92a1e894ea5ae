#include "core/pipeline/calibrate.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "core/base/cpu_features.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/calibration/statistics_key.h"
#include "core/pipeline/free_batch.h"
#include "core/pipeline/model_to_run.h"
#include "core/pipeline/named.h"

namespace halftone::pipeline {
namespace {

using calibration::Collected;
using calibration::StatisticsFile;

// The pipelines' requests by executed graph and group.
using Wanted = std::map<std::pair<Digest, std::uint64_t>, RecordedRequest>;

// Requests of one graph come from models that differ in their configs only, so that values of the same name stand for
// the same thing, by whatever handle.
void unite(RecordedRequest &into, const RecordedRequest &other) {
  const model::Model &model = into.working.model;
  std::map<std::string, model::Handle> by_name;
  for (const model::Handle graph : model.graphs()) {
    for (const model::Handle value : model.graph(graph).values) {
      by_name[calibration::statistics_name(model, value)] = value;
    }
  }
  for (const auto &[value, asked] : other.request.requests) {
    const model::Handle here = by_name.at(calibration::statistics_name(other.working.model, value));
    const auto [at, is_new] = into.request.requests.try_emplace(here, asked);
    if (is_new) continue;
    at->second.request = calibration::unite(at->second.request, asked.request);
    at->second.groups = at->second.groups || asked.groups;
  }
}

// What a pipeline asks for, or why no file can serve it.
struct Asked {
  std::vector<RecordedRequest> requests;
  std::string obstacle;
};

// Learns what pipelines ask for. The model is read once for all of them.
class Recorder {
 public:
  // All pipelines have the model and the samples of the first.
  Recorder(const host::Registry &registry, const host::Registry &readers, const CalibratePlan &plan,
           const RunEvents &events)
      : registry_(registry),
        readers_(readers),
        imported_(plan.model != nullptr
                      ? *plan.model
                      : read_model_to_run(plan.pipelines.front().model, host::KernelIndex(registry))) {
    const PipelineSpec &first = plan.pipelines.front();
    quiet_.sinks.cancelled = events.sinks.cancelled;
    logged_ = quiet_;
    logged_.sinks.log = events.sinks.log;
    if (!first.calibration.inputs.empty()) fit_to_samples(first.calibration);
  }
  const model::ImportResult &imported() const noexcept { return imported_; }

  Asked ask(PipelineSpec spec) const {
    spec.plan_only = true;
    spec.statistics_in.clear();
    spec.evaluation = {};
    PipelineSpec without = spec;
    without.calibration.inputs.clear();  // the passes come no further than the request
    Runner runner(registry_, std::move(without), logged_, &imported_);
    Asked asked;
    try {
      std::optional<RecordedRequest> request = runner.record_request();
      if (!request) return asked;
      asked.requests.push_back(std::move(*request));
      if (!runner.may_ask_for_more()) return asked;
    } catch (const Error &error) {
      if (error.status() == Status::kCancelled) throw;
      rehearse(std::move(spec), asked);
      if (asked.obstacle.empty()) throw;
      return asked;
    }
    rehearse(std::move(spec), asked);
    return asked;
  }

 private:
  // Plans see no samples: whether these need the model's batch freed is found here.
  void fit_to_samples(const DataSpec &data) {
    host::WorkingModel working;
    working.model = imported_.model;
    std::optional<std::string> told;
    const auto open = [&](const model::Model &m) { return open_dataset(readers_, m, data); };
    (void)open_for_single_samples(registry_, host::KernelIndex(registry_), working, open, told);
    if (!told) return;
    imported_.model = std::move(working.model);
    if (logged_.sinks.log) logged_.sinks.log({HT_LOG_WARNING, *told});
  }

  // One sample stands for all, where the first ones may be bad a few. What fails because of that is left to the run.
  void rehearse(PipelineSpec spec, Asked &asked) const {
    constexpr std::uint64_t kFew = 16;
    spec.calibration.limit = spec.calibration.skip_bad_samples ? kFew : 1;
    spec.calibration.threads = 1;
    spec.calibration.memory_budget.reset();
    Runner runner(registry_, std::move(spec), quiet_, &imported_);
    FileRehearsal rehearsal(runner.calibrator());
    try {
      runner.rehearse(rehearsal);
    } catch (const Error &error) {
      if (error.status() == Status::kCancelled) throw;
    }
    asked.obstacle = rehearsal.obstacle();
    std::vector<RecordedRequest> requests = rehearsal.take();
    if (asked.obstacle.empty() && !requests.empty()) asked.requests = std::move(requests);
  }

  const host::Registry &registry_, &readers_;
  model::ImportResult imported_;
  RunEvents quiet_, logged_;
};

// Leaves out pipelines that no file can serve, and fails when that leaves nothing.
Wanted record_all(const Recorder &recorder, const std::vector<PipelineSpec> &pipelines, const RunEvents &events) {
  Wanted wanted;
  std::string obstacle;
  for (const PipelineSpec &spec : pipelines) {
    Asked asked = recorder.ask(spec);
    if (!asked.obstacle.empty()) {
      obstacle =
          fmt::format("{}: {}", spec.platform.empty() ? "this pipeline" : "'" + spec.platform + "'", asked.obstacle);
      if (pipelines.size() > 1 && events.sinks.log)
        events.sinks.log({HT_LOG_WARNING, "nothing is collected for " + obstacle});
      continue;
    }
    for (RecordedRequest &recorded : asked.requests) {
      for (auto &[value, request] : recorded.request.requests) request.request.histogram = true;
      const Digest executed = calibration::executed_digest(recorded.working, recorded.request.quantized_weights);
      const auto [at, is_new] = wanted.try_emplace({executed, recorded.request.group}, recorded);
      if (!is_new) unite(at->second, recorded);
    }
  }
  if (!wanted.empty()) return wanted;
  if (obstacle.empty())
    fail(Status::kInvalidArgument, "no pass of these pipelines asks for statistics; there is nothing to calibrate");
  fail(Status::kInvalidArgument,
       "no statistics file can serve {}; give the calibration data to the run itself (--calibration), or name passes "
       "that need none but for their scales",
       obstacle);
}

// Samples [first, first + count) of all; parts begin at whole groups, so that merging them gives the groups of one
// pass.
CalibrationSettings settings_of(const DataSpec &data, const Shard &shard, std::uint64_t samples, std::uint64_t group) {
  const std::uint64_t all = calibration::samples_from(0, data.limit, samples);
  const auto boundary = [&](std::uint64_t part) {
    if (part == shard.count) return all;
    const std::uint64_t at = all / shard.count * part + all % shard.count * part / shard.count;
    return group == 0 ? at : at - at % group;
  };
  CalibrationSettings settings;
  settings.threads = data.threads;
  settings.memory_budget = data.memory_budget;
  settings.writes_statistics = true;
  settings.may_be_empty = shard.count > 1 && data.skip_bad_samples;
  settings.first = boundary(shard.number - 1);
  settings.limit = boundary(shard.number) - settings.first;
  settings.on_bad_sample = data.skip_bad_samples ? calibration::BadSample::kSkip : calibration::BadSample::kFail;
  if (settings.limit == 0) {
    fail(Status::kInvalidArgument, "shard {} of {} has no samples: there are {}{}", shard.number, shard.count, all,
         group == 0 ? "" : fmt::format(", in groups of {}", group));
  }
  return settings;
}

// Takes from the checkpoint what it holds of a pass; nothing when it has not begun.
Collected taken_from(StatisticsFile &checkpoint, const Digest &executed, std::uint64_t group) {
  const auto found = std::ranges::find_if(checkpoint.collections, [&](const Collected &stored) {
    return stored.collection.executed == executed && stored.collection.group == group;
  });
  if (found == checkpoint.collections.end()) return {};
  Collected taken = std::move(*found);
  checkpoint.collections.erase(found);
  return taken;
}

bool is_of(const Collected &stored, const RecordedRequest &recorded) {
  std::map<std::string, calibration::ValueRequest> asked;
  for (const auto &[value, request] : recorded.request.requests) {
    asked[calibration::statistics_name(recorded.working.model, value)] = request;
  }
  return std::ranges::equal(stored.collection.values, asked, [](const auto &have, const auto &want) {
    return have.first == want.first && have.second.total.request() == want.second.request &&
           have.second.grouped == want.second.groups;
  });
}

// Whether a pass may go on from what a checkpoint holds of it. That the samples are the same, the pass looks for
// itself.
void require_continues(const Collected &stored, const RecordedRequest &recorded, const CalibrationSettings &settings,
                       const std::string &path) {
  if (!is_of(stored, recorded)) {
    fail(Status::kFailedPrecondition,
         "'{}' is of a calibration for other platforms or observers; name the same ones, or remove it to begin anew",
         path);
  }
  if (stored.progress.first != settings.first || stored.progress.end != settings.first + settings.limit) {
    fail(
        Status::kFailedPrecondition,
        "'{}' is of other samples than this run, which is of {} from number {} on; name the same ones, or remove it to "
        "begin anew",
        path, settings.limit, settings.first);
  }
  if (settings.on_bad_sample == calibration::BadSample::kFail && !stored.collection.skipped.empty()) {
    fail(Status::kFailedPrecondition,
         "'{}' is of a run with --on-bad-sample skip, and {} samples were skipped; say so again, or remove it to begin "
         "anew",
         path, stored.collection.skipped.size());
  }
}

class Calibration {
 public:
  // `readers`: the registry with what stands between the host and readers that it does not trust; the runs of the
  // pipelines look for themselves.
  Calibration(const host::Registry &registry, const host::Registry &readers, const CalibratePlan &plan,
              const RunEvents &events)
      : registry_(registry), readers_(readers), plan_(plan), events_(events) {}

  CalibrateResult run() {
    const PipelineSpec &first = plan_.pipelines.front();
    {
      const Recorder recorder(registry_, readers_, plan_, events_);
      result_.file.model = calibration::model_digest(recorder.imported().model);
      wanted_ = record_all(recorder, plan_.pipelines, events_);
    }
    const std::string &executor = first.executor;
    result_.file.model_name = first.model.filename().string();
    result_.file.executors = {executor + ", " + std::string(instruction_set())};
    open_checkpoint();
    host::Context ctx;
    const host::Instance instance(registry_.get(HT_KIND_EXECUTOR, executor), nullptr, ctx);
    const host::KernelIndex kernels(registry_);
    const model::Model &model = wanted_.begin()->second.working.model;
    const auto dataset = open_dataset(readers_, model, first.calibration);
    for (const auto &[key, recorded] : wanted_) (void)settings_for(*dataset, key.second);  // no shard is empty
    for (auto &[key, recorded] : wanted_) collect(instance, kernels, *dataset, key.first, key.second, recorded);
    return std::move(result_);
  }

 private:
  void open_checkpoint() {
    if (plan_.checkpoint.empty() || !std::filesystem::exists(plan_.checkpoint)) return;
    const std::string path = plan_.checkpoint.string();
    if (!plan_.resume) {
      fail(Status::kFailedPrecondition,
           "'{}' is the checkpoint of a calibration that was interrupted; go on from it with --resume, or remove it to "
           "begin anew",
           path);
    }
    checkpoint_ = calibration::read_statistics(plan_.checkpoint);
    if (!checkpoint_.checkpoint) {
      fail(Status::kFailedPrecondition, "'{}' holds finished statistics, no checkpoint; move it away", path);
    }
    if (!(checkpoint_.model == result_.file.model)) {
      fail(Status::kFailedPrecondition,
           "'{}' is of another model, '{}' (graph or weights differ); remove it to begin anew", path,
           checkpoint_.model_name);
    }
    if (checkpoint_.executors != result_.file.executors) {
      fail(Status::kFailedPrecondition, "'{}' was computed by {}, this run is by {}; remove it to begin anew", path,
           checkpoint_.executors.empty() ? "nothing" : checkpoint_.executors.front(), result_.file.executors.front());
    }
  }

  CalibrationSettings settings_for(const calibration::Dataset &dataset, std::uint64_t group) const {
    CalibrationSettings settings =
        settings_of(plan_.pipelines.front().calibration, plan_.shard, dataset.count(), group);
    if (settings.on_bad_sample == calibration::BadSample::kSkip) settings.ledger = ledger_;
    for (const Collected &done : result_.file.collections) {
      for (const auto &[name, statistics] : done.collection.values)
        settings.statistics_before += statistics.total.bytes();
    }
    return settings;
  }

  // A pass that the checkpoint has to its end is looked at like the others, and adds nothing.
  void collect(const host::Instance &executor, const host::KernelIndex &kernels, const calibration::Dataset &dataset,
               const Digest &executed, std::uint64_t group, RecordedRequest &recorded) {
    const CalibrationSettings settings = settings_for(dataset, group);
    Checkpoints checkpoints;
    checkpoints.from = taken_from(checkpoint_, executed, group);
    if (checkpoints.from.progress.end != 0) {
      require_continues(checkpoints.from, recorded, settings, plan_.checkpoint.string());
      result_.resumed_at = std::max(result_.resumed_at, checkpoints.from.collection.samples);
    }
    checkpoints.every = plan_.checkpoint_every;
    if (!plan_.checkpoint.empty()) checkpoints.keep = [this](const Collected &collected) { keep(collected); };
    host::Context ctx;
    ctx.working = &recorded.working;
    ctx.kernels = &kernels;
    ctx.sinks = events_.sinks;
    result_.file.collections.push_back(
        run_data_pass(executor, ctx, dataset, settings, recorded.request, std::move(checkpoints)).collected);
  }

  // The finished passes, this one, and what an older checkpoint has of those to come, in place of that checkpoint.
  void keep(const Collected &now) const {
    const bool last = result_.file.collections.size() + 1 == wanted_.size();
    if (last && now.progress.next == now.progress.end) return;
    StatisticsFile file = result_.file;  // copies share their counts
    file.checkpoint = true;
    file.collections.push_back(now);
    for (const Collected &later : checkpoint_.collections) file.collections.push_back(later);
    write_file_atomically(plan_.checkpoint, calibration::to_bytes(file));
  }

  const host::Registry &registry_, &readers_;
  const CalibratePlan &plan_;
  const RunEvents &events_;
  Wanted wanted_;
  StatisticsFile checkpoint_;  // what has not been taken up yet
  std::shared_ptr<calibration::SampleLedger> ledger_ = std::make_shared<calibration::SampleLedger>();
  CalibrateResult result_;
};

}  // namespace

void require_statistics_name(const std::string &output) {
  if (output.empty()) fail(Status::kInvalidArgument, "no output is named: give -o FILE.htstats");
  if (!output.ends_with(".htstats"))
    fail(Status::kInvalidArgument, "a statistics file has the ending .htstats; name the output '{}.htstats'", output);
}

CalibrateResult calibrate(const host::Registry &registry, const CalibratePlan &plan, const RunEvents &events) {
  const host::TrustSettings &trust = plan.pipelines.front().plugins.trust;
  if (trust.rules.empty()) return Calibration(registry, registry, plan, events).run();
  const host::TrustedComponents trusted(registry, trust);
  return Calibration(registry, trusted.registry(), plan, events).run();
}

}  // namespace halftone::pipeline
