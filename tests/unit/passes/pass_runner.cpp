#include "tests/unit/passes/pass_runner.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/host/instance.h"
#include "core/host/registry.h"
#include "core/host/service/table.h"
#include "core/model/verify.h"
#include "core/pipeline/execution.h"
#include "core/pipeline/observation.h"
#include "core/pipeline/parallel.h"
#include "core/pipeline/yaml_setting.h"
#include "core/quant/arithmetic.h"
#include "halftone/pass.h"
#include "tests/unit/pipeline/written_samples.h"

namespace halftone::test {

namespace {

struct Plugins {
  host::Registry registry;
  host::KernelIndex kernels;

  Plugins() : registry(load()), kernels(registry) {}
  static host::Registry load() {
    const char *build = std::getenv("HALFTONE_BUILD_DIR");
    const std::filesystem::path folder =
        std::filesystem::path(build == nullptr ? "." : build) / HALFTONE_TEST_PLUGIN_SUBDIR;
    host::SearchOptions options;
    for (const char *name : {"ht_passes_correction.so", "ht_passes_equalization.so", "ht_passes_fusion.so",
                             "ht_passes_graph.so", "ht_passes_quantization.so", "ht_readers.so", "ht_reference.so"}) {
      options.plugin_paths.push_back(folder / name);
    }
    options.use_environment = false;
    options.probe = false;
    return host::load_plugins(options);
  }
};

const Plugins &plugins() {
  static const Plugins loaded;
  return loaded;
}

}  // namespace

std::uint32_t GivenRanges::wants(host::Context &, model::Handle, std::string_view) {
  return HT_WANT_GROUPS;
}

void GivenRanges::observe_all(host::Context &ctx, std::span<const model::Handle> configs, std::string_view observer,
                              const ht_collect_options &options) {
  collect(ctx, pipeline::observation_requests(*this, ctx, configs, observer, options), options);
}

void GivenRanges::collect(host::Context &ctx, std::span<const ht_statistics_request> requests,
                          const ht_collect_options &) {
  collected.clear();
  for (const ht_statistics_request &request : requests) {
    collected.push_back(ctx.working->model.value(request.value).name);
  }
}

const ht_statistics *GivenRanges::statistics(host::Context &ctx, model::Handle value) {
  const std::string &name = ctx.working->model.value(value).name;
  const auto found = ranges.find(name);
  if (empty.contains(name)) fail(Status::kFailedPrecondition, "value '{}' was always empty", name);
  const auto [low, high] = found == ranges.end() ? std::pair(-1.0F, 1.0F) : found->second;
  current_ = {};
  current_.struct_size = sizeof(current_);
  current_.minimum = low;
  current_.maximum = high;
  if (const auto means = channel_means.find(name); means != channel_means.end()) {
    current_.channel_count = means->second.size();
    current_.channel_sum = means->second.data();
    current_.channel_elements = 1;
  }
  return &current_;
}

const ht_statistics *GivenRanges::measure(host::Context &, const ht_tensor_view &tensor, std::uint32_t,
                                          std::uint32_t channel_axis) {
  std::int64_t inner = 1, count = 1;
  for (std::uint32_t i = 0; i < tensor.rank; ++i) {
    count *= tensor.shape[i];
    if (i > channel_axis) inner *= tensor.shape[i];
  }
  const auto channels = tensor.rank == 0 ? 1 : tensor.shape[channel_axis];
  low_.assign(static_cast<std::size_t>(channels), 0);
  high_ = low_;
  const auto *data = static_cast<const float *>(tensor.data);
  current_ = {};
  current_.struct_size = sizeof(current_);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto c = static_cast<std::size_t>(i / inner % channels);
    low_[c] = std::min(low_[c], data[i]);
    high_[c] = std::max(high_[c], data[i]);
    current_.minimum = std::min(current_.minimum, data[i]);
    current_.maximum = std::max(current_.maximum, data[i]);
  }
  current_.channel_count = low_.size();
  current_.channel_minimum = low_.data();
  current_.channel_maximum = high_.data();
  return &current_;
}

void GivenRanges::render(host::Context &ctx, model::Handle config, const ht_statistics &statistics, std::string_view) {
  quant::ConfigTable &configs = ctx.working->configs;
  const ht_quant_spec spec = configs.get(config).spec;
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
  const bool per_channel = spec.granularity == HT_PER_CHANNEL;
  for (std::uint64_t c = 0; c < (per_channel ? statistics.channel_count : 1); ++c) {
    const quant::Scale s =
        quant::scale_from_range(per_channel ? statistics.channel_minimum[c] : statistics.minimum,
                                per_channel ? statistics.channel_maximum[c] : statistics.maximum, spec);
    scales.push_back(s.scale);
    zero_points.push_back(s.zero_point);
  }
  configs.set_scales(config, scales, zero_points, {"test", "given", {}});
  configs.settle_slaves();
}

std::vector<std::uint32_t> GivenRanges::render_all(host::Context &ctx, std::span<const model::Handle> configs,
                                                   std::string_view observer) {
  std::vector<std::uint32_t> rendered(configs.size(), 0);
  for (std::size_t i = 0; i < configs.size(); ++i) {
    const quant::Config &config = ctx.working->configs.get(configs[i]);
    const model::Node &node = ctx.working->model.node(config.key.node);
    const model::Handle value = config.key.is_output ? node.outputs[config.key.slot] : node.inputs[config.key.slot];
    const model::Value &held = ctx.working->model.value(value);
    if (!held.initializer && empty.contains(held.name)) continue;
    const auto axis = config.spec.granularity == HT_PER_TENSOR ? 0U : static_cast<std::uint32_t>(config.spec.axis);
    const ht_statistics *seen =
        held.initializer ? measure(ctx, host::view_of(*held.initializer), 0, axis) : statistics(ctx, value);
    render(ctx, configs[i], *seen, observer);
    rendered[i] = 1;
  }
  return rendered;
}

PassRunner::PassRunner(model::Model model, std::string_view platform) {
  working.model = std::move(model);
  if (platform.empty()) return;
  target_ = std::make_unique<pipeline::Target>(pipeline::parse_platform(platform, "test.platform.yaml"));
}

struct PassRunner::Data {
  Data(const std::vector<std::int64_t> &shape, const std::vector<std::vector<float>> &values)
      : samples(shape, values) {}
  WrittenSamples samples;
  std::unique_ptr<calibration::Dataset> dataset;
  host::Context creation;
  host::Instance executor{plugins().registry.get(HT_KIND_EXECUTOR, "reference"), nullptr, creation};
  std::unique_ptr<pipeline::Execution> execution;
  std::unique_ptr<pipeline::Parallel> parallel;
};

void PassRunner::feed(const std::vector<std::int64_t> &shape, const std::vector<std::vector<float>> &samples,
                      std::uint32_t threads) {
  data_ = std::shared_ptr<Data>(new Data(shape, samples));
  const model::Model &m = working.model;
  calibration::InputSource source;
  source.input = m.value(m.graph(m.main_graph()).inputs.front()).name;
  source.path = data_->samples.path();
  data_->dataset = std::make_unique<calibration::Dataset>(plugins().registry, m, std::vector{source});
  pipeline::CalibrationSettings settings;
  settings.threads = threads;
  data_->execution = std::make_unique<pipeline::Execution>(data_->executor, data_->dataset.get(), settings);
  data_->parallel = std::make_unique<pipeline::Parallel>(settings);
}

void PassRunner::run(std::string_view pass, std::string_view settings) {
  host::Context ctx;
  ctx.working = &working;
  ctx.calibration = calibration;
  ctx.target = target_.get();
  ctx.kernels = &plugins().kernels;
  if (data_) ctx.execution = data_->execution.get(), ctx.parallel = data_->parallel.get();
  host::WorkingModel before = calibrated_ ? *calibrated_ : working;
  ctx.original = &before;
  ctx.component = pass;
  const Setting parsed =
      settings.empty() ? Setting{Setting::Map{}, {}, {}, {}} : pipeline::parse_yaml(settings, "test");
  host::Instance instance(plugins().registry.get(HT_KIND_PASS, pass), &parsed, ctx);
  const auto &role = instance.role<ht_pass>(HT_PASS_1);
  host::call_component(ctx, [&] { return role.run(instance.raw(), &ctx); });
  rows_ = ctx.report;
  if (pass == "runtime-calibration") calibrated_ = working;
  for (const std::string &fault : model::find_faults(working.model)) FAIL_CHECK(fault);
  for (const std::string &fault : quant::find_faults(working.configs, working.model)) FAIL_CHECK(fault);
}

std::string PassRunner::row(std::string_view key) const {
  for (const auto &[name, text] : rows_) {
    if (name == key) return text;
  }
  return {};
}

model::Handle PassRunner::node(std::string_view name) const {
  return working.model.find_node(working.model.main_graph(), name);
}

model::Handle PassRunner::input(std::string_view node_name, std::uint32_t slot) const {
  return working.configs.find({node(node_name), false, slot});
}

model::Handle PassRunner::output(std::string_view node_name, std::uint32_t slot) const {
  return working.configs.find({node(node_name), true, slot});
}

std::string PassRunner::state(model::Handle config) const {
  return config == HT_NONE ? "none" : std::string(quant::state_name(working.configs.get(config).state));
}

float PassRunner::scale(model::Handle config) const {
  const auto scales = working.configs.scales(config);
  REQUIRE(scales.size() == 1);
  return scales[0];
}

model::Tensor PassRunner::initializer(std::string_view name) const {
  const model::Handle value = working.model.find_value(working.model.main_graph(), name);
  REQUIRE(value != HT_NONE);
  REQUIRE(working.model.value(value).initializer.has_value());
  return *working.model.value(value).initializer;
}

}  // namespace halftone::test
