// The parts of an analysis against plain computations.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <vector>

#include "core/pipeline/analysis/advice.h"
#include "core/pipeline/analysis/causes.h"
#include "core/pipeline/analysis/error_figures.h"
#include "core/pipeline/analysis/layer.h"
#include "core/pipeline/analysis/moments.h"
#include "core/pipeline/analysis/stored_tensor.h"
#include "core/pipeline/yaml_setting.h"
#include "core/quant/arithmetic.h"

namespace halftone::pipeline {
namespace {

using model::Handle;

std::vector<float> random_floats(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> numbers(count);
  for (float &x : numbers) x = static_cast<float>(random()) * 0x1p-31F - 0.7F;
  return numbers;
}

ht_tensor_view view_of(const std::vector<float> &data, const std::vector<std::int64_t> &shape,
                       const std::vector<std::int64_t> &strides) {
  ht_tensor_view view{};
  view.struct_size = sizeof view;
  view.dtype = HT_F32;
  view.rank = static_cast<std::uint32_t>(shape.size());
  view.shape = shape.data();
  view.strides = strides.empty() ? nullptr : strides.data();
  view.data = const_cast<float *>(data.data());
  return view;
}

}  // namespace

TEST_CASE("errors of a sample are the sums by the book, for any number of elements") {
  for (const std::size_t count : {1, 7, 8, 9, 64, 1003}) {
    const auto f = random_floats(count, 1), q = random_floats(count, 2);
    long double noise = 0, signal = 0, cross = 0, own = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const long double a = q[i], b = f[i];
      noise += (a - b) * (a - b), signal += b * b, cross += a * b, own += a * a;
    }
    const ErrorFigures got = compare(q, f);
    CHECK(got.noise_to_signal == doctest::Approx(static_cast<double>(noise / (signal + 1e-7L))).epsilon(1e-12));
    CHECK(got.cosine == doctest::Approx(static_cast<double>(cross / std::sqrt(own * signal))).epsilon(1e-12));
    CHECK(got.mse == doctest::Approx(static_cast<double>(noise / count)).epsilon(1e-12));
  }
  const std::vector<float> zeros(5);
  CHECK(compare(zeros, zeros).noise_to_signal == 0);
  CHECK(compare(zeros, zeros).cosine == 1);
}

TEST_CASE("the mean over samples counts each sample alike") {
  ErrorMean mean;
  mean.add({0.5, 1, 4});
  mean.add({0.25, 0, 2});
  CHECK(mean.samples() == 2);
  CHECK(mean.mean().noise_to_signal == 0.375);
  CHECK(mean.mean().cosine == 0.5);
  CHECK(mean.mean().mse == 3);
}

TEST_CASE("moments and histogram are those of all parts together") {
  const auto numbers = random_floats(5000, 3);
  Range range;
  Spread spread;
  for (std::size_t at = 0; at < numbers.size(); at += 500) {
    Range part;
    part.take(std::span(numbers).subspan(at, 500));
    range.join(part);
  }
  for (std::size_t at = 0; at < numbers.size(); at += 1000) {
    Spread part;
    part.take(std::span(numbers).subspan(at, 1000), range);
    spread.join(part);
  }
  long double mean = 0, m2 = 0, m3 = 0, m4 = 0;
  for (const float x : numbers) mean += x / 5000.0L;
  for (const float x : numbers) {
    const long double d = x - mean;
    m2 += d * d / 5000, m3 += d * d * d / 5000, m4 += d * d * d * d / 5000;
  }
  const Summary s = summary_of(range, spread);
  CHECK(s.count == 5000);
  CHECK(s.minimum == *std::min_element(numbers.begin(), numbers.end()));
  CHECK(s.maximum == *std::max_element(numbers.begin(), numbers.end()));
  CHECK(s.mean == doctest::Approx(static_cast<double>(mean)).epsilon(1e-12));
  CHECK(s.deviation == doctest::Approx(static_cast<double>(std::sqrt(m2))).epsilon(1e-12));
  CHECK(s.skewness == doctest::Approx(static_cast<double>(m3 / (m2 * std::sqrt(m2)))).epsilon(1e-9));
  CHECK(s.kurtosis == doctest::Approx(static_cast<double>(m4 / (m2 * m2) - 3)).epsilon(1e-9));
  const double width = (s.maximum - s.minimum) / 32;
  std::uint64_t total = 0;
  for (std::size_t bin = 0; bin < 32; ++bin) {
    std::uint64_t count = 0;
    for (const float x : numbers) {
      const double place = (x - s.minimum) / width;
      const bool last = bin == 31 && place >= 31;
      if (last || (place >= static_cast<double>(bin) && place < static_cast<double>(bin + 1))) ++count;
    }
    // An edge between two bins may round to either.
    CHECK(std::abs(static_cast<double>(s.histogram[bin]) - static_cast<double>(count)) <= 1);
    total += s.histogram[bin];
  }
  CHECK(total == 5000);
}

TEST_CASE("tensors in any layout are kept in row-major order") {
  const std::vector<std::int64_t> shape = {2, 5, 2, 3};
  const auto want = random_floats(60, 4);
  const auto at = [&](std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
    return want[static_cast<std::size_t>(((n * 5 + c) * 2 + h) * 3 + w)];
  };
  std::vector<float> last(60), blocked(2 * 2 * 6 * 4);
  for (std::int64_t n = 0; n < 2; ++n) {
    for (std::int64_t c = 0; c < 5; ++c) {
      for (std::int64_t i = 0; i < 6; ++i) {
        last[static_cast<std::size_t>((n * 6 + i) * 5 + c)] = at(n, c, i / 3, i % 3);
        blocked[static_cast<std::size_t>(((n * 2 + c / 4) * 6 + i) * 4 + c % 4)] = at(n, c, i / 3, i % 3);
      }
    }
  }
  StoredTensor stored;
  const auto same = [&] { return std::ranges::equal(stored.floats(), want); };
  stored.store(view_of(want, shape, {}));
  CHECK(same());
  const std::vector<std::int64_t> last_strides = {30, 1, 15, 5};
  stored.store(view_of(last, shape, last_strides));
  CHECK(same());
  const std::vector<std::int64_t> blocked_strides = {48, 24, 12, 4};
  ht_tensor_view view = view_of(blocked, shape, blocked_strides);
  view.block_axis = 1;
  view.block_size = 4;
  stored.store(view);
  CHECK(same());
  CHECK(stored.view().rank == 4);
}

TEST_CASE("a layer is fed float values and graph inputs; constants and shapes are computed again") {
  model::Model m;
  const Handle g = m.main_graph();
  const model::ValueType floats{HT_F32, false, {}}, integers{HT_I64, false, {}};
  const Handle x = m.add_value(g, "x", floats), a = m.add_value(g, "a", floats), b = m.add_value(g, "b", floats),
               side = m.add_value(g, "side", floats), shape = m.add_value(g, "shape", integers),
               y = m.add_value(g, "y", floats);
  m.mark_input(x);
  m.mark_output(y);
  const auto node = [&](const char *op, std::vector<Handle> in, Handle out) {
    return m.add_node(g, op, "", out == y ? "last" : op, in, std::vector{out});
  };
  node("Relu", {x}, a);
  const Handle middle = node("Sigmoid", {a}, b);
  node("Tanh", {x}, side);
  node("Shape", {side}, shape);
  const Handle reshaped = m.add_value(g, "reshaped", floats);
  node("Reshape", {b, shape}, reshaped);
  const Handle last = node("Add", {reshaped, side}, y);
  const Cutter cutter(m);
  const std::vector<Handle> outputs = {y};
  const Cut behind = cutter.behind(middle, outputs);
  CHECK(std::set<Handle>(behind.feeds.begin(), behind.feeds.end()) == std::set<Handle>{a, side});
  CHECK(behind.emits == outputs);
  const Cut alone = cutter.alone(last);
  CHECK(std::set<Handle>(alone.feeds.begin(), alone.feeds.end()) == std::set<Handle>{reshaped, side});
  const std::vector<Handle> before = {a};
  CHECK(cutter.behind(middle, before).emits.empty());
}

TEST_CASE("elements beyond the codes of a bias are a cause, ranked behind what costs an operator more") {
  host::WorkingModel working;
  model::Model &m = working.model;
  const Handle x = m.add_value(m.main_graph(), "x"), y = m.add_value(m.main_graph(), "y");
  ErrorAnalysis errors;
  std::vector<Parameter> parameters;
  for (const char *name : {"small", "large"}) {
    const Handle out = parameters.empty() ? y : m.add_value(m.main_graph(), "z");
    const Handle node = m.add_node(m.main_graph(), "Conv", "", name, std::vector{x, x, x}, std::vector{out});
    const Handle config =
        working.configs.create({node, false, 2}, quant::make_spec(32, true, HT_SYMMETRIC), quant::State::kInitial);
    working.configs.set_scales(config, std::vector{1e-9F}, std::vector<std::int32_t>{0}, {"test", "", ""});
    Parameter parameter;
    parameter.type = "Conv";
    parameter.slot = 2;
    parameter.config = config;
    parameter.node = name;
    parameter.bits = 32;
    parameter.saturated = 3;
    parameter.noise_to_signal = 0.5;
    parameters.push_back(parameter);
    OperatorError error;
    error.node = node;
    error.layerwise = ErrorFigures{parameters.size() == 1 ? 0.1 : 0.2, 0, 0};
    errors.operators.push_back(error);
  }
  const std::vector<Cause> causes = find_causes(working, errors, {}, parameters);
  REQUIRE(causes.size() == 2);
  CHECK(causes[0].kind == "bias-overflow");
  CHECK(causes[0].node == "large");
  CHECK(causes[0].error == 0.2);
  CHECK(causes[0].text == "3 elements lie beyond 32 bits at the scale of input times weight");
  CHECK(causes[0].yaml == "- match: {node: \"large\"}\n  set: {bias: {state: fp32}}\n");
  CHECK(causes[1].error == 0.1);
  for (Parameter &parameter : parameters) parameter.type = "Clip";
  CHECK(find_causes(working, errors, {}, parameters).empty());
}

TEST_CASE("an override matches a node whatever its name is made of") {
  const Setting rules = parse_yaml("- match: {node: " + exact_pattern("a[1]*\\\"b\"?") + "}\n", "rule");
  CHECK(rules.list().at(0).find("match")->find("node")->text == "a\\[1]\\*\\\\\"b\"\\?");
}

}  // namespace halftone::pipeline
