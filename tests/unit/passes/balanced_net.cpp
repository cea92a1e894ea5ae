#include "tests/unit/passes/balanced_net.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "core/model/onnx_io.h"

namespace halftone::test {
namespace {

constexpr std::size_t kSamples = 4;

model::Tensor normal(const model::Shape &shape, std::mt19937_64 &random) {
  std::vector<float> values(static_cast<std::size_t>(model::element_count(shape)));
  for (float &v : values) {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(random() >> 11) * 0x1p-53;
    v = static_cast<float>(sum);
  }
  return model::Tensor::from_floats(shape, values);
}

std::size_t inner_of(const model::Shape &shape, std::size_t axis) {
  std::size_t inner = 1;
  for (std::size_t i = axis + 1; i < shape.size(); ++i) inner *= static_cast<std::size_t>(shape[i]);
  return inner;
}

std::vector<std::vector<model::Tensor>> samples_of(const BalancedNet &net) {
  std::vector<std::vector<model::Tensor>> samples;
  for (std::size_t i = 0; i < kSamples; ++i) samples.push_back(net.sample(100 + i));
  return samples;
}

}  // namespace

model::Handle BalancedNet::input(const model::Shape &shape) {
  model::ValueType type{HT_F32, true, {}};
  for (const std::int64_t extent : shape) type.dims.push_back({extent, {}});
  const model::Handle value = model.add_value(model.main_graph(), fmt::format("x{}", inputs_.size()), type);
  model.mark_input(value);
  inputs_.push_back(shape);
  return value;
}

model::Handle BalancedNet::weight(const model::Shape &shape, int uneven_axis) {
  const model::Tensor raw = normal(shape, random_);
  std::vector<float> values = raw.to_floats();
  if (uneven_axis >= 0) {
    const auto axis = static_cast<std::size_t>(uneven_axis);
    const std::size_t inner = inner_of(shape, axis);
    std::vector<double> factors(static_cast<std::size_t>(shape[axis]));
    for (double &f : factors) f = std::pow(10.0, static_cast<double>(random_() % 2000) / 1000.0 - 1);
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(static_cast<double>(values[i]) * factors[i / inner % factors.size()]);
    }
  }
  return model.add_initializer(model.main_graph(), fmt::format("w{}", count_++),
                               model::Tensor::from_floats(shape, values));
}

model::Handle BalancedNet::scalar(float value) {
  return model.add_initializer(model.main_graph(), fmt::format("w{}", count_++),
                               model::Tensor::from_floats({}, {&value, 1}));
}

model::Handle BalancedNet::integers(const std::vector<std::int64_t> &values) {
  return model.add_initializer(model.main_graph(), fmt::format("w{}", count_++),
                               model::Tensor::from_ints({static_cast<std::int64_t>(values.size())}, values));
}

model::Handle BalancedNet::node(const std::string &op, const std::vector<model::Handle> &inputs,
                                const Attributes &attributes, const std::string &name) {
  const std::string own = name.empty() ? fmt::format("{}{}", op, count_++) : name;
  const model::Handle out = model.add_value(model.main_graph(), own + "_out");
  const model::Handle outputs[] = {out};
  const model::Handle made = model.add_node(model.main_graph(), op, "", own, inputs, outputs);
  for (const auto &[key, value] : attributes) model.set_attribute(made, key, value);
  return out;
}

model::Handle BalancedNet::conv(model::Handle x, std::int64_t in, std::int64_t out, std::int64_t groups,
                                std::int64_t size, const std::string &name) {
  const std::int64_t pad = size > 1 ? 1 : 0;
  const Attributes attributes = {{"group", {groups}}, {"pads", {std::vector<std::int64_t>{pad, pad, pad, pad}}}};
  return node("Conv", {x, weight({out, in / groups, size, size}, 0), weight({out})}, attributes, name);
}

std::vector<model::Tensor> BalancedNet::sample(std::uint64_t seed) const {
  std::mt19937_64 random(seed);
  std::vector<model::Tensor> out;
  for (const model::Shape &shape : inputs_) out.push_back(normal(shape, random));
  return out;
}

void SampledRanges::collect(host::Context &ctx, std::span<const ht_statistics_request> requests,
                            const ht_collect_options &) {
  ++passes;
  seen_.clear();
  RunRequest run;
  for (const ht_statistics_request &request : requests) run.emits.push_back(request.value);
  ModelRunner runner(*ctx.working, run);
  for (const auto &sample : samples_) {
    const Emitted all = runner.run(sample);
    for (const ht_statistics_request &request : requests) {
      const model::Tensor &tensor = emitted(all, request.value);
      const std::size_t inner = inner_of(tensor.shape(), request.channel_axis);
      const auto channels = static_cast<std::size_t>(tensor.shape()[request.channel_axis]);
      Seen &seen = seen_[request.value];
      if (seen.low.empty()) {
        seen = {std::vector(channels, INFINITY),
                std::vector(channels, -INFINITY),
                std::vector(channels, 0.0),
                std::vector(channels, 0.0),
                {},
                0};
      }
      const std::vector<float> values = tensor.to_floats();
      seen.elements += values.size() / channels;
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t c = i / inner % channels;
        const auto v = static_cast<double>(values[i]);
        seen.low[c] = std::min(seen.low[c], values[i]);
        seen.high[c] = std::max(seen.high[c], values[i]);
        seen.sum[c] += v;
        seen.values.push_back(v);
        seen.square_sum[c] += v * v;
      }
    }
  }
}

const ht_statistics *SampledRanges::statistics(host::Context &, model::Handle value) {
  const Seen &seen = seen_.at(value);
  current_ = {};
  current_.struct_size = sizeof(current_);
  current_.channel_count = seen.low.size();
  current_.channel_minimum = seen.low.data();
  current_.channel_maximum = seen.high.data();
  current_.channel_sum = seen.sum.data();
  current_.channel_square_sum = seen.square_sum.data();
  current_.channel_elements = seen.elements;
  current_.minimum = *std::min_element(seen.low.begin(), seen.low.end());
  current_.maximum = *std::max_element(seen.high.begin(), seen.high.end());
  current_.count = seen.elements * seen.low.size();
  // A hundred bins between the extremes.
  constexpr std::size_t kBins = 100;
  const auto low = static_cast<double>(current_.minimum), width = (static_cast<double>(current_.maximum) - low) / kBins;
  edges_.clear();
  for (std::size_t i = 0; i <= kBins; ++i) edges_.push_back(low + width * static_cast<double>(i));
  counts_.assign(kBins, 0);
  for (const double v : seen.values) ++counts_[std::min(kBins - 1, static_cast<std::size_t>((v - low) / width))];
  current_.bin_count = kBins;
  current_.edges = edges_.data();
  current_.counts = counts_.data();
  return &current_;
}

const ht_statistics *SampledRanges::measure(host::Context &, const ht_tensor_view &, std::uint32_t, std::uint32_t) {
  return nullptr;
}

Invariance::Invariance(BalancedNet net, std::string_view platform)
    : ranges(samples_of(net)), runner(model::Model(), platform), samples_(samples_of(net)) {
  model::infer_shapes(net.model);
  runner.working.model = std::move(net.model);
  runner.calibration = &ranges;
  before_ = outputs();
}

std::vector<std::vector<float>> Invariance::outputs() {
  std::vector<std::vector<float>> all;
  ModelRunner run(runner.working, {});
  for (const auto &sample : samples_) {
    // In the order of the graph's outputs; they are handed over in the order in which they are ready.
    const Emitted ready = run.run(sample);
    const model::Model &m = runner.working.model;
    for (const model::Handle value : m.graph(m.main_graph()).outputs) all.push_back(emitted(ready, value).to_floats());
  }
  return all;
}

double Invariance::change() {
  const std::vector<std::vector<float>> now = outputs();
  REQUIRE(now.size() == before_.size());
  double worst = 0;
  for (std::size_t i = 0; i < now.size(); ++i) {
    REQUIRE(now[i].size() == before_[i].size());
    double largest = 1e-30, change = 0;
    for (std::size_t k = 0; k < now[i].size(); ++k) {
      const auto a = static_cast<double>(before_[i][k]), b = static_cast<double>(now[i][k]);
      largest = std::max(largest, std::abs(a));
      change = std::max(change, std::isfinite(b) ? std::abs(a - b) : INFINITY);
    }
    worst = std::max(worst, change / largest);
  }
  return worst;
}

model::Tensor Invariance::tensor(std::string_view node, std::size_t slot) const {
  const model::Model &m = runner.working.model;
  return m.value(m.node(runner.node(node)).inputs.at(slot)).initializer.value();
}

std::vector<double> peaks(const model::Tensor &tensor, std::size_t axis) {
  const std::vector<float> values = tensor.to_floats();
  std::vector<double> out(static_cast<std::size_t>(tensor.shape()[axis]), 0.0);
  const std::size_t inner = inner_of(tensor.shape(), axis);
  for (std::size_t i = 0; i < values.size(); ++i) {
    double &peak = out[i / inner % out.size()];
    peak = std::max(peak, std::abs(static_cast<double>(values[i])));
  }
  return out;
}

double spread(const std::vector<double> &values) {
  return *std::max_element(values.begin(), values.end()) / *std::min_element(values.begin(), values.end());
}

}  // namespace halftone::test
