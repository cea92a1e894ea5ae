#include "core/pipeline/runner.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "core/base/file.h"
#include "core/base/shape.h"
#include "core/pipeline/batch_axis.h"
#include "core/pipeline/configs_json.h"
#include "core/pipeline/dispatch_table.h"
#include "core/pipeline/evaluate.h"
#include "core/pipeline/executor_setting.h"
#include "core/pipeline/export_file.h"
#include "core/pipeline/free_batch.h"
#include "core/pipeline/fusion_configs.h"
#include "core/pipeline/fusion_steps.h"
#include "core/pipeline/model_to_run.h"
#include "core/pipeline/named.h"
#include "core/pipeline/platform_code.h"
#include "core/pipeline/platform_lookup.h"
#include "core/pipeline/reproducer.h"
#include "halftone/exporter.h"
#include "halftone/pass.h"

namespace halftone::pipeline {

namespace {

bool provides(const host::Component &component, std::string_view fact) {
  const ht_component &d = *component.description;
  return std::any_of(d.provides, d.provides + d.provide_count,
                     [&](const char *provided) { return std::string_view(provided) == fact; });
}

bool can(const PlannedStep &step, std::uint64_t capability) {
  return (step.component->description->capabilities & capability) != 0;
}

// Passes that execute nodes alone, such as constant-folding, have no business with statistics or configs.
bool may_run_samples(const PlannedStep &step) {
  return can(step, HT_CAP_EXECUTE) && can(step, HT_CAP_CALIBRATE | HT_CAP_CONFIG_READ);
}

bool names_observer(const PlannedStep &step) {
  return step.settings.is_map() && given(step.settings, "observer") != nullptr;
}

bool provides_configs(const host::Component &component) {
  return provides(component, HT_FACT_CONFIGS);
}

// Overrides and `observer` change configs: in a plan that makes none they would do nothing.
void refuse_what_nothing_does(const PipelineSpec &spec, const std::vector<PlannedStep> &plan) {
  if (!spec.labels_for_passes.text().empty() && std::ranges::none_of(plan, may_run_samples)) {
    fail(Status::kInvalidArgument,
         "{}: `evaluate` names the samples that are evaluated, and no pass of this pipeline asks for "
         "`calibration.labels`; move the labels there",
         spec.labels_for_passes.text());
  }
  const bool any = std::ranges::any_of(plan, [](const PlannedStep &step) { return provides_configs(*step.component); });
  if (!any && !spec.overrides.empty()) {
    fail(Status::kInvalidArgument,
         "{}no pass of this pipeline creates configs, so that overrides change nothing; add assign-configs",
         place(spec.overrides.front().where));
  }
  if (!any && !spec.observer.empty()) {
    fail(Status::kInvalidArgument,
         "{}no pass of this pipeline creates configs that could use an observer; add assign-configs",
         place(spec.observer_where));
  }
}

// A device or pipe may have any name.
void require_extension(const host::Component &exporter, const ExportStep &step) {
  const auto *role = static_cast<const ht_exporter *>(exporter.role(HT_EXPORTER_1));
  std::error_code ignored;
  const std::filesystem::path path = step.path;
  if (role->extension == nullptr || path.extension() == role->extension || std::filesystem::is_other(path, ignored))
    return;
  fail(Status::kInvalidArgument, "{}exporter '{}' writes files that end with '{}', and the name of '{}' does not",
       place(step.where), step.format, role->extension, step.path);
}

// The observer of every activation config that has its own scale to find.
void override_observer(host::WorkingModel &working, const std::string &observer) {
  for (const model::Handle handle : working.configs.all()) {
    const quant::Config &config = working.configs.get(handle);
    const model::Node &node = working.model.node(config.key.node);
    const model::Handle value = config.key.is_output ? node.outputs[config.key.slot] : node.inputs[config.key.slot];
    const bool parameter = value != HT_NONE && working.model.value(value).initializer.has_value();
    if (!parameter && config.observer != observer) working.configs.set_observer(handle, observer, {});
  }
}

}  // namespace

std::unique_ptr<calibration::Dataset> open_dataset(const host::Registry &registry, const model::Model &model,
                                                   const DataSpec &data) {
  std::vector<calibration::InputSource> sources;
  for (const InputSpec &input : data.inputs) {
    if (!input.reader.empty()) (void)named_component(registry, HT_KIND_READER, input.reader, input.reader_where);
    sources.push_back({input.name, input.reader, input.path,
                       input.reader_settings.is_null() ? nullptr : &input.reader_settings, input.preprocess,
                       input.given});
  }
  return std::make_unique<calibration::Dataset>(registry, model, std::move(sources), data.options);
}

Runner::Runner(const host::Registry &registry, PipelineSpec spec, RunEvents events, const model::ImportResult *imported)
    : trusted_(spec.plugins.trust.rules.empty()
                   ? nullptr
                   : std::make_unique<host::TrustedComponents>(registry, spec.plugins.trust)),
      registry_(trusted_ ? trusted_->registry() : registry),
      spec_(std::move(spec)),
      events_(std::move(events)),
      kernels_(registry) {
  collect_files();
  read_start();
  open_platform();
  if (!spec_.passes && spec_.platform.empty()) {
    fail(Status::kInvalidArgument,
         "{}the pipeline names neither a platform nor passes; `halftone platforms` lists platforms",
         place(spec_.where));
  }
  std::vector<PassStep> steps = spec_.passes ? *spec_.passes : platform_passes_;
  if (target_ && spec_.state.empty())
    steps = with_fusion_steps(registry_, std::move(steps), target_->descriptor().fusions);
  plan_ = make_plan(registry_, steps, target_ != nullptr, facts_);
  require_deployed_last(plan_, deploying_);
  if (trusted_) {
    for (const PlannedStep &step : plan_) trusted_->require_level(*step.component);
  }
  for (const PlannedStep &step : plan_) {
    const host::Arguments checked(step.component->description->params, step.component->description->param_count,
                                  &step.settings, "pass '" + std::string(step.component->id()) + "'");
    warnings_.insert(warnings_.end(), checked.warnings.begin(), checked.warnings.end());
  }
  refuse_what_nothing_does(spec_, plan_);
  check_dispatch(spec_.dispatch, plan_);
  for (const ExportStep &step : spec_.exports) {
    const host::Component &exporter = named_component(registry_, HT_KIND_EXPORTER, step.format, step.where);
    const host::Arguments checked(exporter.description->params, exporter.description->param_count, &step.settings,
                                  "exporter '" + step.format + "'");
  }
  check_outputs();
  for (const ExportStep &step : spec_.exports) require_extension(registry_.get(HT_KIND_EXPORTER, step.format), step);
  if (!spec_.observer.empty()) (void)named_component(registry_, HT_KIND_OBSERVER, spec_.observer, spec_.observer_where);
  if (!spec_.trainer_where.file.empty())
    (void)named_component(registry_, HT_KIND_TRAINER, spec_.trainer, spec_.trainer_where);
  check_overrides(spec_.overrides, registry_);
  host::Context ctx;
  const host::Component &executor = named_component(registry_, HT_KIND_EXECUTOR, spec_.executor, spec_.executor_where);
  const Setting settings_of_executor = executor_settings(executor, platform());
  executor_ = std::make_unique<host::Instance>(executor, &settings_of_executor, ctx);
  read_model(imported);
  open_data();
  CalibrationSettings settings;
  settings.threads = spec_.calibration.threads;
  settings.limit = spec_.calibration.limit;
  settings.memory_budget = spec_.calibration.memory_budget;
  settings.exports = !spec_.exports.empty();
  settings.evaluates = !spec_.evaluation.inputs.empty();
  settings.on_bad_sample =
      spec_.calibration.skip_bad_samples ? calibration::BadSample::kSkip : calibration::BadSample::kFail;
  if (spec_.calibration.skip_bad_samples) ledger_ = settings.ledger = std::make_shared<calibration::SampleLedger>();
  calibrator_ = std::make_unique<Calibrator>(registry_, *executor_, dataset_.get(), settings,
                                             given_ ? &*given_ : nullptr, &chosen_);
  execution_ = std::make_unique<Execution>(*executor_, dataset_.get(), settings, given_ ? given_->path : std::string());
  execution_->labels_from([this] {
    if (!dataset_) return std::vector<std::int64_t>();
    return labels_of(registry_, spec_.calibration, "`labels` of the calibration samples", *dataset_, original_.model);
  });
  parallel_ = std::make_unique<Parallel>(settings);
  training_ = std::make_unique<Training>(registry_, spec_.trainer);
}

Runner::~Runner() = default;

// Checked before anything is read, so that no mistake costs the model.
void Runner::collect_files() {
  files_.reads(spec_.where.file, "pipeline file");
  files_.reads(spec_.model, "input model");
  files_.reads(spec_.state, "state of a run");
  files_.reads(spec_.calibration);
  files_.reads(spec_.statistics_in, "statistics file");
  files_.reads(spec_.evaluation);
  files_.reads(registry_);
  if (spec_.plan_only) return;
  files_.writes(spec_.configs_out);
  for (const ExportStep &step : spec_.exports) files_.writes_model(step.path, step.where);
  files_.writes(spec_.figures_out);
  files_.writes(spec_.report);
  files_.check();
}

void Runner::check_outputs() const {
  if (spec_.plan_only) return;
  for (const ExportStep &step : spec_.exports) require_writable(step.path);
  for (const std::string &path : {spec_.configs_out, spec_.figures_out, spec_.report}) {
    if (!path.empty()) require_writable(path);
  }
  if (!spec_.artefacts.empty()) require_folder(spec_.artefacts);
}

void Runner::open_platform() {
  if (spec_.platform.empty() && !spec_.fusions.is_null()) {
    fail(Status::kInvalidArgument, "{}`fusions` needs a platform, whose types its points have; add `platform:`",
         place(spec_.fusions.where));
  }
  if (spec_.platform.empty()) return;
  PlatformDescriptor descriptor =
      find_platform(registry_, spec_.platform, spec_.platform_where, spec_.platform_settings);
  if (!spec_.fusions.is_null())
    descriptor.fusions = join_fusions(read_fusions(spec_.fusions, descriptor), std::move(descriptor.fusions));
  deploying_ = deploying_passes(descriptor.fusions);
  if (!spec_.dispatch.method.empty()) descriptor.set_dispatcher(spec_.dispatch.method);
  if (const Setting *passes = descriptor.pipeline()) platform_passes_ = parse_passes(*passes);
  Target::Refine refine = refine_of(registry_, descriptor.id);
  target_ = std::make_unique<Target>(std::move(descriptor), std::move(refine));
}

// Of a run that goes on from the state of another one, before anything is planned.
void Runner::read_start() {
  if (spec_.state.empty()) return;
  RunState state = read_state(spec_.state);
  model_ = std::move(state.model);
  calibrated_ = std::move(state.calibrated);
  chosen_ = std::move(state.chosen);
  facts_ = std::move(state.facts);
}

void Runner::read_model(const model::ImportResult *given) {
  if (!spec_.state.empty()) {
    original_ = model_;
    return;
  }
  const bool only_copies = plan_.empty() && spec_.evaluation.inputs.empty();
  model::ImportResult imported = given != nullptr ? *given
                                 : only_copies    ? pipeline::read_model(spec_.model)
                                                  : read_model_to_run(spec_.model, kernels_);
  warnings_.insert(warnings_.end(), imported.warnings.begin(), imported.warnings.end());
  files_.reads(imported.external_files, "weights of the input model");
  files_.check();
  model_files_ = std::move(imported.external_files);
  model_files_.push_back(spec_.model);
  model_.model = std::move(imported.model);
  original_ = model_;
}

std::uint64_t Runner::original_bytes() const {
  std::uint64_t total = 0;
  for (const std::filesystem::path &path : model_files_) {
    std::error_code error;
    const std::uint64_t size = std::filesystem::file_size(path, error);
    if (!error) total += size;
  }
  return total;
}

std::optional<std::string> Runner::free_fixed() {
  const std::optional<std::int64_t> batch = fixed_batch(model_.model);
  if (batch) return free_batch(registry_, kernels_, model_, *batch);
  return free_shapes(registry_, kernels_, model_);
}

// Of a model that had its batch freed when they were taken, too.
void Runner::read_statistics() {
  const auto read = [&] { given_ = read_given_statistics(spec_.statistics_in, spec_.model, model_.model); };
  try {
    return read();
  } catch (const Error &) {
    host::WorkingModel before = model_;
    try {
      if (const auto told = free_fixed()) {
        read();
        warnings_.push_back(*told);
        original_ = model_;
        return;
      }
    } catch (const Error &) {
      model_ = std::move(before);
    }
    throw;
  }
}

void Runner::open_data() {
  if (!spec_.statistics_in.empty()) read_statistics();
  if (given_) {
    const auto step = std::ranges::find_if(plan_, may_run_samples);
    if (step != plan_.end()) given_->wants_samples = step->component->id();
  }
  if (spec_.calibration.inputs.empty() || given_) return;
  const auto open = [&](const model::Model &m) { return open_dataset(registry_, m, spec_.calibration); };
  std::optional<std::string> told;
  if (!spec_.state.empty()) {  // its model has gone through this
    dataset_ = open(model_.model);
    return;
  }
  dataset_ = open_for_single_samples(registry_, kernels_, model_, open, told);
  if (!told) return;
  warnings_.push_back(*told);
  original_ = model_;
}

std::vector<StepReport> Runner::run_passes() {
  return run_passes(*calibrator_, *execution_);
}

std::optional<RecordedRequest> Runner::record_request() {
  RequestRecorder recorder(*calibrator_);
  asks_only_ = true;
  try {
    run_passes(recorder, *execution_);
  } catch (const Error &) {
    if (!recorder.recorded()) throw;
  }
  return recorder.take();
}

bool Runner::may_ask_for_more() const {
  for (std::size_t i = reached_; i < plan_.size(); ++i) {
    if (may_run_samples(plan_[i]) || (i > reached_ && can(plan_[i], HT_CAP_CALIBRATE))) return true;
  }
  return false;
}

void Runner::rehearse(FileRehearsal &rehearsal) {
  asks_only_ = true;
  run_passes(rehearsal, rehearsal);
}

std::vector<StepReport> Runner::run_passes(host::CalibrationService &calibration, host::ExecutionService &execution) {
  RunServices services;
  services.sinks = events_.sinks;
  services.calibration = &calibration;
  services.target = target_.get();
  services.kernels = &kernels_;
  services.execution = &execution;
  services.parallel = parallel_.get();
  services.training = training_.get();
  std::vector<StepReport> reports;
  OverrideRun overrides;
  overrides.passes_name_observers = std::ranges::any_of(plan_, names_observer);
  bool observers_checked = false;
  for (std::size_t i = 0; i < plan_.size(); ++i) {
    reached_ = i;
    if (events_.step_begins) events_.step_begins(plan_[i], i, plan_.size());
    services.reference = calibrated_ ? &*calibrated_ : nullptr;
    if (!observers_checked && provides(*plan_[i].component, HT_FACT_ACTIVATIONS_CALIBRATED)) {
      check_observers();
      observers_checked = true;
    }
    reports.push_back(run_one(plan_[i], services));
    if (!reports.back().failure.empty()) {
      if (events_.step_ended) events_.step_ended(reports.back());
      continue;
    }
    for (host::Artefact &artefact : reports.back().artefacts) {
      artefact.name = fmt::format("{:02}-{}.{}", i + 1, reports.back().id, artefact.name);
      artefacts_.push_back(artefact);
    }
    if (!calibrated_ && provides(*plan_[i].component, HT_FACT_ACTIVATIONS_CALIBRATED)) calibrated_ = model_;
    follow_user(plan_[i], overrides);
    if (events_.step_ended) events_.step_ended(reports.back());
  }
  if (!observers_checked) check_observers();
  return reports;
}

// Evaluations and analyses run the model as it was quantized: nobody need have a kernel for what only files have.
host::WorkingModel &Runner::model_for(const PlannedStep &step) {
  if (!deployed_ && deploying_.contains(std::string(step.component->id()))) deployed_ = model_;
  return deployed_ ? *deployed_ : model_;
}

std::vector<std::pair<std::string, std::string>> Runner::fusions_left_out(const PlannedStep &step) {
  Fusions *fusions = target_ ? target_->fusions() : nullptr;
  const std::string id(step.component->id());
  if (fusions == nullptr || !deploying_.contains(id)) return {};
  target_->forget();
  auto lines = fusions->left_out(model_for(step), id);
  target_->forget();
  return lines;
}

StepReport Runner::run_one(const PlannedStep &step, const RunServices &services) {
  require_facts(step);
  try {
    const auto left_out = fusions_left_out(step);
    if (Fusions *fusions = target_ ? target_->fusions() : nullptr)
      fusions->folded(facts_.contains(HT_FACT_BATCH_NORM_FOLDED));
    StepReport report = run_step(step, services, model_for(step));
    report.rows.insert(report.rows.end(), left_out.begin(), left_out.end());
    count_facts(step);
    return report;
  } catch (Error &error) {
    if (asks_only_ || error.status() == Status::kCancelled) throw;
    keep_failure(step, error);
    if (!spec_.plugins.skip_failures) throw;
    return leave_out(step, error);
  }
}

void Runner::count_facts(const PlannedStep &step) {
  const ht_component &d = *step.component->description;
  for (std::uint64_t i = 0; i < d.invalidate_count; ++i) facts_.erase(d.invalidates[i]);
  for (std::uint64_t i = 0; i < d.provide_count; ++i) facts_.insert(d.provides[i]);
}

// The plan saw to it that every fact has a pass that makes it; one that was left out made none.
void Runner::require_facts(const PlannedStep &step) const {
  const ht_component &d = *step.component->description;
  for (std::uint64_t i = 0; i < d.after_count; ++i) {
    const auto lost = facts_not_made_.find(d.after[i]);
    if (lost == facts_not_made_.end() || facts_.contains(d.after[i])) continue;
    fail(Status::kFailedPrecondition,
         "{}pass '{}' needs '{}', which pass '{}' would have made; it failed and was left out, so that the run cannot "
         "go "
         "on",
         place(step.where), d.id, d.after[i], lost->second);
  }
}

StepReport Runner::leave_out(const PlannedStep &step, const Error &error) {
  const ht_component &d = *step.component->description;
  for (std::uint64_t i = 0; i < d.provide_count; ++i) facts_not_made_.emplace(d.provides[i], d.id);
  StepReport report;
  report.id = d.id;
  report.inserted = step.inserted;
  report.failure = error.what();
  if (events_.sinks.log) {
    events_.sinks.log(
        {HT_LOG_WARNING, fmt::format("pass '{}' failed and was left out, and the model is as it was before "
                                     "it: {}",
                                     d.id, error.what())});
  }
  return report;
}

// A failure to write it must not hide the failure that it is about. Of several passes that are left out, the first one
// keeps the folder.
void Runner::keep_failure(const PlannedStep &step, Error &error) {
  const bool asked_for = !spec_.plugins.reproducer.empty();
  const bool replayed = !spec_.state.empty();
  if (has_reproducer_ || (!asked_for && (replayed || !is_plugin_fault(error.status())))) return;
  has_reproducer_ = true;
  if (step.component->plugin->file.empty()) {
    if (asked_for) error.note("no reproducer was written: no command can load a plug-in that the program registered");
    return;
  }
  const std::filesystem::path folder = asked_for ? spec_.plugins.reproducer : default_reproducer(spec_);
  try {
    const std::string command =
        write_reproducer(folder, spec_, registry_, {step, error}, {model_, calibrated_, chosen_, facts_});
    error.note("to see it again: " + command);
  } catch (const std::exception &other) {
    error.note(fmt::format("no reproducer was written: {}", other.what()));
  }
}

void Runner::follow_user(const PlannedStep &step, OverrideRun &overrides) {
  if (dispatches(*step.component) && target_) apply_dispatch_table(spec_.dispatch.table, model_, *target_);
  if (provides_configs(*step.component)) {
    if (!spec_.observer.empty()) override_observer(model_, spec_.observer);
    apply_overrides(spec_.overrides, model_, chosen_, overrides);
    if (Fusions *fusions = target_ ? target_->fusions() : nullptr) {
      target_->forget();
      for (const std::string &warning : settle_fusions(*fusions, model_, chosen_)) {
        if (events_.sinks.log) events_.sinks.log({HT_LOG_WARNING, warning});
      }
    }
    overrides.first_time = false;
  }
  chosen_.restore(model_);
}

// Before the data pass: by then passes have settled which configs find a range of their own, and nothing has been
// computed in vain.
void Runner::check_observers() {
  for (const std::string &warning : chosen_.check(model_)) {
    if (events_.sinks.log) events_.sinks.log({HT_LOG_WARNING, warning});
  }
}

std::vector<std::uint64_t> Runner::prepare_exports() {
  std::vector<std::uint64_t> sizes;
  for (const ExportStep &step : spec_.exports) {
    exports_.push_back(std::make_unique<StagedFile>(step.path));
    write_export({registry_, kernels_, target_.get(), events_.sinks}, deployed_ ? *deployed_ : model_, step,
                 *exports_.back());
    sizes.push_back(exports_.back()->size());
  }
  return sizes;
}

std::vector<std::filesystem::path> Runner::artefact_files() const {
  std::vector<std::filesystem::path> files;
  if (spec_.artefacts.empty()) return files;
  for (const host::Artefact &artefact : artefacts_)
    files.push_back(std::filesystem::path(spec_.artefacts) / artefact.name);
  return files;
}

void Runner::commit_outputs(const std::string &figures, const std::string &report) {
  std::vector<std::unique_ptr<AtomicFile>> texts;
  const auto add = [&](const std::filesystem::path &path, const std::string &text) {
    if (auto file = finished_file(path, text)) texts.push_back(std::move(file));
  };
  if (!spec_.configs_out.empty())
    add(spec_.configs_out,
        configs_to_json(model_, spec_.platform, target_ ? target_->descriptor().chosen : PlatformChoices()));
  add(spec_.figures_out, figures);
  add(spec_.report, report);
  if (!spec_.artefacts.empty() && !artefacts_.empty()) {
    std::filesystem::create_directory(spec_.artefacts);
    for (const host::Artefact &artefact : artefacts_) {
      const std::filesystem::path path = std::filesystem::path(spec_.artefacts) / artefact.name;
      files_.writes(path);
      add(path, artefact.content);
    }
    files_.check();
  }
  for (const auto &file : exports_) file->finish();
  for (const auto &file : exports_) file->commit();
  for (const auto &file : texts) file->commit();
  exports_.clear();
}

}  // namespace halftone::pipeline
