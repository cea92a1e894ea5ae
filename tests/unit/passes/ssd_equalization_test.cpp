#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tests/unit/base/expect_error.h"
#include "tests/unit/passes/balanced_net.h"

namespace halftone::test {
namespace {

// One scale for a whole weight, so that uneven channels cost much.
constexpr std::string_view kPerTensor = R"(
halftone-platform: 1
id: test
types:
  activation: {bits: 8, symmetry: symmetric, observer: minmax}
  weight: {bits: 8, symmetry: symmetric, granularity: tensor, observer: minmax}
  bias: fp32
operators:
  - {types: [Conv, ConvTranspose, Gemm, MatMul], computing: true, outputs: fp32}
dispatcher: allin
)";

std::vector<std::vector<float>> samples_of(const BalancedNet &net, std::size_t count) {
  std::vector<std::vector<float>> samples;
  for (std::size_t i = 0; i < count; ++i) samples.push_back(net.sample(500 + i).front().to_floats());
  return samples;
}

// Uneven channels between three layers.
BalancedNet chain(unsigned seed) {
  BalancedNet net(seed);
  model::Handle x = net.input({1, 3, 6, 6});
  x = net.node("Relu", {net.conv(x, 3, 8, 1, 3, "first")});
  x = net.node("Relu", {net.conv(x, 8, 8, 8, 3, "depthwise")});
  net.output(net.node("GlobalAveragePool", {net.conv(x, 8, 5, 1, 1, "last")}));
  return net;
}

struct Fed {
  explicit Fed(const BalancedNet &net, std::uint32_t threads = 1, std::string_view platform = kPerTensor)
      : samples(samples_of(net, 9)), test(net, platform) {
    test.runner.feed({3, 6, 6}, samples, threads);
  }
  std::vector<std::vector<float>> samples;
  Invariance test;
};

TEST_CASE("ssd-equalization leaves the outputs as they are and evens out what costs most") {
  for (const unsigned seed : {3U, 4U, 5U}) {
    Fed fed(chain(seed));
    const double before = spread(peaks(fed.test.tensor("first"), 0));
    fed.test.run("ssd-equalization");
    CHECK(fed.test.change() < kSame);
    CHECK(fed.test.change() > 0);
    CHECK(spread(peaks(fed.test.tensor("first"), 0)) < before);
    CHECK(fed.test.runner.row("equalized").ends_with("of 2 places"));
    CHECK(std::stod(fed.test.runner.row("expected error")) < 0.8);
    CHECK(fed.test.ranges.passes == 0);  // needs no statistics
  }
}

TEST_CASE("ssd-equalization: the same bits on any number of threads") {
  std::vector<std::vector<float>> seen;
  for (const std::uint32_t threads : {1U, 3U}) {
    Fed fed(chain(7), threads);
    fed.test.run("ssd-equalization");
    seen.push_back(fed.test.weight("first"));
    seen.push_back(fed.test.weight("depthwise"));
  }
  CHECK(seen[0] == seen[2]);
  CHECK(seen[1] == seen[3]);
}

// The four scalings of PPQ's pass, from ranges of what makes a channel, what reads it, and the channel itself.
std::vector<std::vector<double>> scalings(const std::vector<double> &u, const std::vector<double> &d,
                                          const std::vector<double> &a, double ratio) {
  const auto headroom = [&](const std::vector<double> &ranges) {
    const double most = *std::max_element(ranges.begin(), ranges.end());
    std::vector<double> out;
    for (const double range : ranges) out.push_back(most / std::max(range, ratio * most));
    return out;
  };
  const std::vector<double> k = headroom(u), n = headroom(d), room = headroom(a);
  std::vector<std::vector<double>> all(4, std::vector<double>(u.size()));
  for (std::size_t c = 0; c < u.size(); ++c) {
    all[0][c] = std::clamp(std::sqrt(d[c] / u[c]), 0.1, 10.0);
    all[1][c] = std::min(k[c], room[c]);
    all[2][c] = std::min({k[c] / n[c], room[c] / n[c], 8.0});
    all[3][c] = std::clamp(std::sqrt(room[c] * std::sqrt(k[c] / n[c])), 1.0, 2.0);
  }
  const double least = *std::min_element(all[2].begin(), all[2].end());
  for (double &factor : all[2]) factor = std::clamp(factor / least, 1.0, 2.0);
  return all;
}

TEST_CASE("ssd-equalization: what is kept is one of the four scalings") {
  BalancedNet net(11);
  model::Handle x = net.input({1, 3, 6, 6});
  x = net.node("Relu", {net.conv(x, 3, 8, 1, 1, "first")}, {}, "relu");
  net.output(net.conv(x, 8, 5, 1, 1, "last"));
  Fed fed(net);
  const std::vector<double> u = peaks(fed.test.tensor("first"), 0), d = peaks(fed.test.tensor("last"), 1);
  // What the data makes of each channel, on the reference executor.
  std::vector<double> a(8, 0.0);
  const model::Handle relu =
      fed.test.runner.working.model.find_value(fed.test.runner.working.model.main_graph(), "relu_out");
  ModelRunner runner(fed.test.runner.working, {.emits = {relu}});
  for (const auto &sample : fed.samples) {
    const auto values = emitted(runner.run({model::Tensor::from_floats({1, 3, 6, 6}, sample)}), relu).to_floats();
    for (std::size_t i = 0; i < values.size(); ++i) a[i / 36] = std::max(a[i / 36], static_cast<double>(values[i]));
  }
  fed.test.run("ssd-equalization", "{iterations: 1, loss_threshold: 1}");
  const std::vector<double> now = peaks(fed.test.tensor("first"), 0);
  double closest = 1e9;
  for (const std::vector<double> &factors : scalings(u, d, a, 0.5)) {
    double worst = 0;
    for (std::size_t c = 0; c < 8; ++c) worst = std::max(worst, std::abs(now[c] / u[c] / factors[c] - 1));
    closest = std::min(closest, worst);
  }
  CHECK(closest < 1e-5);
}

TEST_CASE("ssd-equalization: thresholds, named layers, and what is not quantized") {
  Fed none(chain(3));
  none.test.run("ssd-equalization", "{loss_threshold: 0}");
  CHECK(none.test.change() == 0);
  CHECK(none.test.runner.row("equalized") == "0 channels at 0 of 2 places");
  CHECK(none.test.runner.row("scalings").empty());

  Fed named(chain(3));
  const std::vector<float> last = named.test.weight("last");
  named.test.run("ssd-equalization", "{layers: [first]}");
  CHECK(named.test.weight("last") == last);
  CHECK(named.test.runner.row("equalized").ends_with("of 1 places"));
  CHECK_THROWS_WITH_AS(named.test.run("ssd-equalization", "{layers: [nobody]}"), doctest::Contains("'nobody'"), Error);

  std::string floats(kPerTensor);
  floats.replace(floats.find("[Conv, ConvTranspose, Gemm, MatMul]"), 35, "[Gemm]");
  Fed unquantized(chain(3), 1, floats);
  unquantized.test.run("ssd-equalization");
  CHECK(unquantized.test.change() == 0);
}

TEST_CASE("ssd-equalization: layer_norm keeps outputs, level 2 goes through sums") {
  Fed normed(chain(4));
  normed.test.run("ssd-equalization", "{layer_norm: true, samples: 4}");
  CHECK(normed.test.change() < kSame);

  BalancedNet net(9);
  const model::Handle x = net.input({1, 3, 6, 6});
  const model::Handle sum = net.node("Add", {net.conv(x, 3, 8, 1, 3, "left"), net.conv(x, 3, 8, 1, 1, "right")});
  net.output(net.conv(net.node("Relu", {sum}), 8, 4, 1, 1, "last"));
  for (const auto &[settings, places] : {std::pair("{level: 1}", "of 0 places"), {"{level: 2}", "of 1 places"}}) {
    Fed fed(net);
    fed.test.run("ssd-equalization", settings);
    CHECK(fed.test.change() < kSame);
    CHECK(fed.test.runner.row("equalized").ends_with(places));
  }
}

TEST_CASE("ssd-equalization: limits of Clip are scaled before configs exist, and only then") {
  std::string platform(kPerTensor);
  platform.insert(platform.find("dispatcher"), "  - {types: [Clip, Min, Relu]}\n");
  const auto clipped = [] {
    BalancedNet net(3);
    model::Handle x = net.input({1, 3, 6, 6});
    x = net.node("Clip", {net.conv(x, 3, 8, 1, 3, "first"), net.scalar(0), net.scalar(40)}, {}, "clip");
    net.output(net.conv(x, 8, 5, 1, 1, "last"));
    return net;
  };
  Fed kept(clipped(), 1, platform);
  kept.test.run("ssd-equalization");
  CHECK(kept.test.runner.row("equalized") == "0 channels at 0 of 0 places");
  Fed scaled(clipped(), 1, platform);
  scaled.test.run("ssd-equalization", "{clip: scale}");
  CHECK(scaled.test.change() < kSame);
  CHECK(scaled.test.change() > 0);
  CHECK(scaled.test.runner.row("limits") == "1 Clip by Min with a limit for each channel");
  Fed late(clipped(), 1, platform);
  late.test.run("assign-configs");
  CHECK_THROWS_WITH_AS(late.test.run("ssd-equalization", "{clip: scale}"),
                       doctest::Contains("put ssd-equalization before assign-configs"), Error);
}

}  // namespace
}  // namespace halftone::test
