#include "core/pipeline/calibrator.h"

#include <cmath>

#include "core/calibration/statistics_key.h"
#include "core/host/service/parameter_text.h"
#include "core/pipeline/named.h"
#include "core/quant/arithmetic.h"
#include "halftone/observer.h"

namespace halftone::pipeline {

namespace {

constexpr std::string_view kFallbackObserver = "minmax";

// Entries that a config's scale arrays need for a tensor of this shape.
std::uint64_t scale_count(const ht_quant_spec &spec, const ht_statistics &statistics) {
  return spec.granularity == HT_PER_CHANNEL ? statistics.channel_count : 1;
}

bool is_parameter(const host::WorkingModel &working, const quant::SlotKey &key) {
  const model::Node &node = working.model.node(key.node);
  const model::Handle value = key.is_output ? node.outputs.at(key.slot) : node.inputs.at(key.slot);
  return value != HT_NONE && working.model.value(value).initializer.has_value();
}

}  // namespace

Calibrator::Calibrator(const host::Registry &registry, const host::Instance &executor,
                       const calibration::Dataset *dataset, CalibrationSettings settings, const GivenStatistics *given)
    : registry_(registry), executor_(executor), dataset_(dataset), settings_(settings), given_(given) {}

Calibrator::~Calibrator() = default;

const host::Instance &Calibrator::observer_for(host::Context &ctx, const quant::Config &config, std::string_view name) {
  const bool own = name.empty() || name == config.observer;
  const std::string id(own ? (config.observer.empty() ? kFallbackObserver : std::string_view(config.observer)) : name);
  const Setting settings = host::settings_of_texts(
      own ? config.observer_parameters : std::map<std::string, std::string>{}, "observer '" + id + "'");
  std::string key = id;
  if (own) {
    for (const auto &[parameter, value] : config.observer_parameters) key += '\n' + parameter + '=' + value;
  }
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
  const host::Instance &instance = observer_for(ctx, config, observer);
  const auto &role = instance.role<ht_observer>(HT_OBSERVER_1);
  if (config.spec.granularity == HT_PER_TENSOR) return role.wants;
  if (config.spec.granularity == HT_PER_BLOCK)
    fail(Status::kUnimplemented, "observers do not give ranges per block yet");
  if (role.wants_per_channel == 0) {
    fail(Status::kInvalidArgument,
         "observer '{}' gives one range per tensor, but {} is quantized per channel; use minmax",
         instance.component().id(), quant::describe(config.key, ctx.working->model));
  }
  return role.wants_per_channel;
}

void Calibrator::collect(host::Context &ctx, std::span<const ht_statistics_request> requests,
                         const ht_collect_options &options) {
  const DataPassRequest request = data_pass_request(requests, options);
  in_use_ = nullptr;
  if (given_ != nullptr) {
    in_use_ = &require_statistics(*given_, *ctx.working, request);
  } else if (dataset_ == nullptr) {
    fail(Status::kInvalidArgument,
         "this pipeline needs calibration data; give `calibration:` with a path, or --calibration PATH");
  } else {
    collected_ = {};  // two at once would cost twice the memory
    collected_ = run_data_pass(executor_, ctx, *dataset_, settings_, request).collection;
    in_use_ = &collected_;
  }
  key_ = calibration::statistics_key(in_use_->executed, in_use_->data, in_use_->samples).hex();
}

const ht_statistics *Calibrator::statistics(host::Context &ctx, model::Handle value) {
  const std::string &name = ctx.working->model.value(value).name;
  const calibration::Statistics *found = nullptr;
  if (in_use_ != nullptr) {
    if (const auto at = in_use_->values.find(name); at != in_use_->values.end()) found = &at->second;
  }
  if (found == nullptr) fail(Status::kNotFound, "no statistics were collected for value '{}'", name);
  if (found->total.count() == 0) {
    fail(Status::kFailedPrecondition, "value '{}' was never produced, or always empty, during calibration", name);
  }
  current_.reset();
  current_ = std::make_unique<calibration::PlainStatistics>(*found);
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
  quant::ConfigTable &configs = ctx.working->configs;
  const quant::Config config = configs.get(handle);
  const host::Instance &instance = observer_for(ctx, config, observer);
  const auto &role = instance.role<ht_observer>(HT_OBSERVER_1);
  const std::uint64_t count = scale_count(config.spec, statistics);
  if (count == 0) {
    fail(Status::kFailedPrecondition, "{} is quantized per channel, but its statistics have no channels",
         quant::describe(config.key, ctx.working->model));
  }
  std::vector<float> low(count), high(count), scales(count);
  std::vector<std::int32_t> zero_points(count);
  ht_str rule{};
  const std::string caller = ctx.component;
  ctx.component = instance.component().id();
  host::call_component(ctx, [&] {
    return role.derive(instance.raw(), &ctx, &statistics, &config.spec, count, low.data(), high.data(), &rule);
  });
  ctx.component = caller;
  for (std::uint64_t i = 0; i < count; ++i) {
    const quant::Scale scale = quant::scale_from_range(low[i], high[i], config.spec);
    scales[i] = scale.scale;
    zero_points[i] = scale.zero_point;
  }
  const std::string range =
      count == 1 ? fmt::format(" [{:.6g}, {:.6g}]", low[0], high[0]) : fmt::format(" ({} channels)", count);
  const std::string text(rule.data == nullptr ? instance.component().id() : std::string_view(rule.data, rule.size));
  const bool from_data = statistics.sample_count > 0 && !key_.empty() && !is_parameter(*ctx.working, config.key);
  configs.set_scales(handle, scales, zero_points, {caller, text + range, from_data ? key_ : std::string()});
}

}  // namespace halftone::pipeline
