#include "core/pipeline/calibrator.h"

#include <cmath>
#include <optional>

#include "core/calibration/statistics_key.h"
#include "core/host/service/baked.h"
#include "core/host/service/parameter_text.h"
#include "core/pipeline/execution.h"
#include "core/pipeline/memory_fit.h"
#include "core/pipeline/named.h"
#include "core/quant/arithmetic.h"
#include "halftone/observer.h"

namespace halftone::pipeline {

namespace {

constexpr std::string_view kFallbackObserver = "minmax";

model::Handle value_of(const model::Model &model, const quant::SlotKey &key) {
  const model::Node &node = model.node(key.node);
  return key.is_output ? node.outputs.at(key.slot) : node.inputs.at(key.slot);
}

bool is_parameter(const host::WorkingModel &working, const quant::SlotKey &key) {
  const model::Handle value = value_of(working.model, key);
  return value != HT_NONE && working.model.value(value).initializer.has_value();
}

// The range of a stored tensor. One tensor has no groups of samples.
void measure_parameter(RangeTask &task, const host::WorkingModel &working, model::Handle handle, std::uint32_t wants) {
  const model::Value &value = working.model.value(handle);
  const bool per_tensor = task.spec.granularity == HT_PER_TENSOR;
  task.tensor = &*value.initializer;
  task.tensor_name = value.name;
  task.baked = host::baked_quantizer(working, handle);
  task.request =
      calibration::request_of(wants & ~HT_WANT_GROUPS, per_tensor ? 0U : static_cast<std::uint32_t>(task.spec.axis));
}

}  // namespace

Calibrator::Calibrator(const host::Registry &registry, const host::Instance &executor,
                       const calibration::Dataset *dataset, CalibrationSettings settings, const GivenStatistics *given,
                       const ChosenObservers *chosen)
    : registry_(registry),
      executor_(executor),
      dataset_(dataset),
      settings_(settings),
      given_(given),
      chosen_(chosen),
      search_threads_(settings.threads) {}

Calibrator::~Calibrator() = default;

const host::Instance &Calibrator::observer_for(host::Context &ctx, model::Handle handle, std::string_view name) {
  const quant::Config &config = ctx.working->configs.get(handle);
  const ChosenObservers::Choice *choice = chosen_ == nullptr ? nullptr : chosen_->find(handle);
  const std::string &configured = choice != nullptr ? choice->observer : config.observer;
  const bool own = choice != nullptr || name.empty() || name == configured;
  const std::string id(own ? (configured.empty() ? kFallbackObserver : std::string_view(configured)) : name);
  std::map<std::string, std::string> parameters;
  if (own) parameters = choice != nullptr ? choice->parameters : config.observer_parameters;
  const Setting settings = host::settings_of_texts(parameters, "observer '" + id + "'");
  std::string key = id;
  for (const auto &[parameter, value] : parameters) key += '\n' + parameter + '=' + value;
  std::unique_ptr<host::Instance> &slot = observers_[key];
  if (!slot) {
    const std::string caller = ctx.component;
    slot = std::make_unique<host::Instance>(named_component(registry_, HT_KIND_OBSERVER, id), &settings, ctx);
    ctx.component = caller;
  }
  return *slot;
}

std::uint32_t Calibrator::wants(host::Context &ctx, model::Handle handle, std::string_view observer) {
  const quant::Config &config = ctx.working->configs.get(handle);
  const host::Instance &instance = observer_for(ctx, handle, observer);
  const auto &role = instance.role<ht_observer>(HT_OBSERVER_1);
  if (config.spec.granularity == HT_PER_TENSOR) return role.wants;
  if (config.spec.granularity == HT_PER_BLOCK && !is_parameter(*ctx.working, config.key)) {
    fail(Status::kInvalidArgument, "{} is quantized by block, which is for stored weights only",
         quant::describe(config.key, ctx.working->model));
  }
  if (role.wants_per_channel == 0) {
    fail(Status::kInvalidArgument, "observer '{}' gives one range per tensor, but {} is quantized per {}; use minmax",
         instance.component().id(), quant::describe(config.key, ctx.working->model),
         config.spec.granularity == HT_PER_BLOCK ? "block" : "channel");
  }
  return role.wants_per_channel;
}

void Calibrator::collect(host::Context &ctx, std::span<const ht_statistics_request> requests,
                         const ht_collect_options &options) {
  calibration::Watches none;
  collect_watched(ctx, data_pass_request(requests, options), none);
}

void Calibrator::observe_all(host::Context &ctx, std::span<const model::Handle> configs, std::string_view observer,
                             const ht_collect_options &options) {
  const DataPassRequest request =
      data_pass_request(observation_requests(*this, ctx, configs, observer, options), options);
  Observation observation;
  for (const model::Handle handle : configs) {
    const quant::Config &config = ctx.working->configs.get(handle);
    observation.add(handle, value_of(ctx.working->model, config.key), config.spec, observer_for(ctx, handle, observer));
  }
  const auto refuse_without_data = [&](const calibration::Watches &watches) {
    if (given_ != nullptr && !watches.empty()) observation.refuse_file(ctx, given_->path);
  };
  calibration::Watches watches = observation.first(ctx);
  refuse_without_data(watches);
  collect_watched(ctx, request, watches);
  observation.keep(watches);
  bool counted = watches.empty();
  for (;;) {
    watches = observation.next(ctx, [&](model::Handle value) { return &collected(ctx, value); });
    counted = counted && watches.empty();
    if (watches.empty()) break;
    refuse_without_data(watches);
    run_watch_pass(executor_, ctx, *dataset_, settings_, request, data_workers_, watches);
    observation.keep(watches);
  }
  gathered_ = observation.take();
  if (!counted && settings_.memory_budget && ctx.sinks.log) {
    ctx.sinks.log(
        {HT_LOG_WARNING, "what observers gather in accumulators of their own is not part of the memory budget"});
  }
}

// Leaves out `watches` when it is empty.
void Calibrator::collect_watched(host::Context &ctx, const DataPassRequest &request, calibration::Watches &watches) {
  in_use_ = nullptr;
  if (request.simulated && dataset_ == nullptr) {
    refuse_without_data(ctx.component, given_ == nullptr ? std::string() : given_->path);
  }
  gathered_.clear();
  if (given_ != nullptr) {
    in_use_ = &require_statistics(*given_, *ctx.working, request, first_graphs_);
    if (settings_.memory_budget) {
      const std::uint32_t wanted = calibration::worker_count(settings_.threads, in_use_->values.size());
      const calibration::MemoryPlan memory = fit_searches(settings_, ctx.working->model, wanted);
      search_threads_ = memory.workers;
      if (ctx.sinks.notice) ctx.sinks.notice(memory.text());
    }
  } else if (dataset_ == nullptr) {
    fail(Status::kInvalidArgument,
         "this pipeline needs calibration data; give `calibration:` with a path, or --calibration PATH");
  } else {
    collected_ = {};  // two at once would cost twice the memory
    DataPassResult result =
        run_data_pass(executor_, ctx, *dataset_, settings_, request, {}, watches.empty() ? nullptr : &watches);
    data_workers_ = result.workers;
    collected_ = std::move(result.collected.collection);
    if (settings_.memory_budget) search_threads_ = result.workers;
    in_use_ = &collected_;
  }
  key_ = calibration::statistics_key(in_use_->executed, in_use_->data, in_use_->samples).hex();
}

const calibration::Statistics &Calibrator::collected(const host::Context &ctx, model::Handle value) const {
  const std::string name = calibration::statistics_name(ctx.working->model, value);
  if (in_use_ != nullptr) {
    if (const auto found = in_use_->values.find(name); found != in_use_->values.end()) return found->second;
  }
  fail(Status::kNotFound, "no statistics were collected for value '{}'", name);
}

const ht_statistics *Calibrator::statistics(host::Context &ctx, model::Handle value) {
  const calibration::Statistics &found = collected(ctx, value);
  if (found.total.count() == 0) {
    fail(Status::kFailedPrecondition, "value '{}' was never produced, or always empty, during calibration",
         ctx.working->model.value(value).name);
  }
  current_.reset();
  current_ = std::make_unique<calibration::PlainStatistics>(found);
  return &current_->get();
}

const ht_statistics *Calibrator::measure(host::Context &, const ht_tensor_view &tensor, std::uint32_t wants,
                                         std::uint32_t channel_axis) {
  current_.reset();
  measured_ = {};
  measured_.total = calibration::Accumulator(calibration::request_of(wants, channel_axis));
  measured_.samples = 1;
  if (!measured_.total.observe(tensor)) {
    fail(Status::kFailedPrecondition, "the parameter has values that are NaN or infinite; repair the model");
  }
  current_ = std::make_unique<calibration::PlainStatistics>(measured_);
  return &current_->get();
}

void Calibrator::render(host::Context &ctx, model::Handle handle, const ht_statistics &statistics,
                        std::string_view observer) {
  const quant::Config &config = ctx.working->configs.get(handle);
  RangeTask task;
  task.observer = &observer_for(ctx, handle, observer);
  task.spec = config.spec;
  task.slot = quant::describe(config.key, ctx.working->model);
  apply(ctx, handle, derive_range(ctx, task, statistics));
}

std::unique_ptr<RangeTask> Calibrator::range_task(host::Context &ctx, model::Handle handle, std::string_view observer) {
  const host::WorkingModel &working = *ctx.working;
  const quant::Config &config = working.configs.get(handle);
  auto task = std::make_unique<RangeTask>();
  task->spec = config.spec;
  task->slot = quant::describe(config.key, working.model);
  task->observer = &observer_for(ctx, handle, observer);
  const model::Handle value = value_of(working.model, config.key);
  if (is_parameter(working, config.key)) {
    if (model::element_count(working.model.value(value).initializer->shape()) == 0) return nullptr;
    measure_parameter(*task, working, value, wants(ctx, handle, observer));
  } else {
    task->collected = &collected(ctx, value);
    if (task->collected->total.count() == 0) return nullptr;
    task->gathered = find_gathered(gathered_, handle, *task->observer);
  }
  return task;
}

std::vector<std::uint32_t> Calibrator::render_all(host::Context &ctx, std::span<const model::Handle> configs,
                                                  std::string_view observer) {
  current_.reset();
  measured_ = {};
  std::vector<std::uint32_t> rendered(configs.size(), 0);
  std::vector<std::unique_ptr<RangeTask>> tasks;
  std::vector<model::Handle> handles;
  // What is wrong with a config counts only when the ones before it are well.
  std::optional<Error> fault;
  for (std::size_t i = 0; i < configs.size() && !fault; ++i) {
    try {
      std::unique_ptr<RangeTask> task = range_task(ctx, configs[i], observer);
      if (!task) continue;
      tasks.push_back(std::move(task));
      handles.push_back(configs[i]);
      rendered[i] = 1;
    } catch (const Error &error) {
      fault = error;
    }
  }
  find_ranges(ctx, tasks, search_threads_,
              [&](std::size_t i, const FoundRange &found) { apply(ctx, handles[i], found); });
  if (fault) throw Error(*fault);
  return rendered;
}

void Calibrator::apply(host::Context &ctx, model::Handle handle, const FoundRange &found) {
  quant::ConfigTable &configs = ctx.working->configs;
  const quant::Config &config = configs.get(handle);
  const std::size_t count = found.low.size();
  std::vector<float> scales(count);
  std::vector<std::int32_t> zero_points(count);
  for (std::size_t i = 0; i < count; ++i) {
    const quant::Scale scale = quant::scale_from_range(found.low[i], found.high[i], config.spec);
    scales[i] = scale.scale;
    zero_points[i] = scale.zero_point;
  }
  const std::string range =
      count == 1 ? fmt::format(" [{:.6g}, {:.6g}]", found.low[0], found.high[0])
                 : fmt::format(" ({} {})", count, config.spec.granularity == HT_PER_BLOCK ? "blocks" : "channels");
  const bool from_data = found.from_samples && !key_.empty() && !is_parameter(*ctx.working, config.key);
  configs.set_scales(handle, scales, zero_points,
                     {ctx.component, found.rule + range, from_data ? key_ : std::string()});
}

}  // namespace halftone::pipeline
