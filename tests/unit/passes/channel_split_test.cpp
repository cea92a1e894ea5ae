#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/unit/passes/balanced_net.h"

namespace halftone::test {
namespace {

// Two chains and a residual sum; a grouped convolution and Concat, whose channels must not be touched.
BalancedNet mixed() {
  BalancedNet net(41);
  const model::Handle x = net.input({2, 3, 8, 8});
  const model::Handle a = net.conv(x, 3, 8, 1, 3, "a");
  const model::Handle b = net.conv(net.node("Relu", {a}), 8, 8, 1, 3, "b");
  const model::Handle sum = net.node("Relu", {net.node("Add", {a, b})});
  const model::Handle c = net.node("LeakyRelu", {net.conv(sum, 8, 10, 1, 1, "c")});
  const model::Handle d = net.conv(c, 10, 6, 2, 3, "grouped");
  const model::Handle e = net.node("Concat", {net.conv(d, 6, 4, 1, 1, "e"), sum}, {{"axis", {std::int64_t{1}}}});
  const model::Handle f =
      net.node("MaxPool", {net.conv(e, 12, 9, 1, 1, "f")}, {{"kernel_shape", {std::vector<std::int64_t>{2, 2}}}});
  const model::Handle g = net.node("Flatten", {net.node("GlobalAveragePool", {f})});
  const model::Handle h =
      net.node("Gemm", {g, net.weight({5, 9}, 1), net.weight({5})}, {{"transB", {std::int64_t{1}}}}, "fc");
  net.output(net.node("MatMul", {net.node("Relu", {h}), net.weight({5, 3}, 0)}, {}, "last"));
  return net;
}

TEST_CASE("products with a vector keep their shape, and their channels are left alone") {
  for (const char *pass : {"layerwise-equalization", "activation-equalization", "smooth-quant", "channelwise-split"}) {
    BalancedNet net(5);
    const model::Handle x = net.input({8});
    const model::Handle a = net.node("MatMul", {net.weight({16, 8}, 0), x});
    const model::Handle b = net.node("Relu", {net.node("Add", {a, net.weight({16})})});
    net.output(net.node("MatMul", {net.node("MatMul", {b, net.weight({16, 6}, 1)}), net.weight({6, 4}, 0)}));
    Invariance test(std::move(net));
    test.run(pass, std::string_view(pass) == "layerwise-equalization" ? "{value_threshold: 0}" : "");
    CHECK_MESSAGE(test.change() < kSame, pass);
  }
}

TEST_CASE("channelwise-split: outliers are halved, and the sums stay") {
  for (const char *settings :
       {"{}", "{expansion: 0.5}", "{expansion: 1, bits: 0}", "{expansion: 0.3, bits: 4, level: 1}"}) {
    Invariance test(mixed());
    const std::size_t before = test.weight("f").size();
    test.run("channelwise-split", settings);
    CHECK_MESSAGE(test.change() < kSame, settings);
    CHECK(test.weight("f").size() > before);
    CHECK(test.weight("grouped") == Invariance(mixed()).weight("grouped"));
    CHECK(test.runner.row("added").ends_with("at 2 places"));
    // The static type of what lies between tells the new number of channels.
    const model::Model &m = test.runner.working.model;
    const model::Node &fc = m.node(test.runner.node("fc"));
    CHECK(m.value(fc.inputs[0]).type.dims[1].extent == static_cast<std::int64_t>(test.tensor("f").shape()[0]));
  }
  Invariance test(mixed());
  const auto first = peaks(test.tensor("fc"), 1);
  const double before = *std::max_element(first.begin(), first.end());
  test.run("channelwise-split", "{expansion: 0.5, bits: 0}");
  const auto after = peaks(test.tensor("fc"), 1);
  CHECK(*std::max_element(after.begin(), after.end()) < before);
}

TEST_CASE("channelwise-split: rounded halves add up to the rounded weight") {
  const double step = 0.02;
  for (int i = -1000; i <= 1000; ++i) {
    const double w = 0.00237 * i + 1e-5;  // no ties
    const auto round = [&](double x) { return std::floor(x / step + 0.5) * step; };
    CHECK(round(w / 2 - step / 4) + round(w / 2 + step / 4) == doctest::Approx(round(w)));
  }
}

TEST_CASE("channelwise-split: a threshold on both sides") {
  Invariance none(mixed());
  none.run("channelwise-split", "{method: threshold, value_threshold: 1000}");
  CHECK(none.change() == 0);
  Invariance all(mixed());
  const auto before = all.tensor("f").shape();
  all.run("channelwise-split", "{method: threshold, value_threshold: 0, iterations: 2, most_expansion: 3}");
  CHECK(all.change() < kSame);
  CHECK(all.tensor("f").shape()[0] == 4 * before[0]);
  CHECK(all.tensor("fc").shape() == model::Shape{20, 36});
  CHECK(all.runner.row("left").empty());
  Invariance named(mixed());
  named.run("channelwise-split", "{layers: [fc]}");
  CHECK(named.runner.row("added").ends_with("at 1 places"));
}

TEST_CASE("channelwise-split: no threshold makes a layer grow without bound") {
  const Invariance before(mixed());
  const model::Shape f = before.tensor("f").shape(), fc = before.tensor("fc").shape();
  Invariance most(mixed());  // 16 rounds would make 65,536 channels of each
  most.run("channelwise-split", "{method: threshold, value_threshold: 0, iterations: 16}");
  CHECK(most.change() < kSame);
  CHECK(most.tensor("f").shape()[0] == 2 * f[0]);
  CHECK(most.tensor("fc").shape() == model::Shape{2 * fc[0], 2 * fc[1]});
  CHECK(most.runner.row("left") == "28 channels that reach the threshold; `most_expansion` allows no more");

  Invariance some(mixed());  // 2 of 9 between f and fc, 1 of 5 behind it
  some.run("channelwise-split", "{method: threshold, value_threshold: 0, most_expansion: 0.25, iterations: 3}");
  CHECK(some.change() < kSame);
  CHECK(some.tensor("fc").shape() == model::Shape{6, 11});
  Invariance none(mixed());
  none.run("channelwise-split", "{method: threshold, value_threshold: 0, most_expansion: 0}");
  CHECK(none.change() == 0);
  CHECK(none.runner.row("added") == "0 channels at 0 places");
}

TEST_CASE("activation-equalization: channels approach the mean, whatever runs the data") {
  const auto run = [](const std::string &settings, std::size_t passes) {
    Invariance test(mixed());
    test.run("activation-equalization", settings);
    CHECK(test.change() < kSame);
    CHECK(test.ranges.passes == passes);
    return test.weight("f");
  };
  const auto once = run("{threshold: 1, iterations: 5, level: 2}", 1);
  const auto refreshed = run("{threshold: 1, iterations: 5, level: 2, refresh: true}", 5);
  REQUIRE(once.size() == refreshed.size());
  for (std::size_t i = 0; i < once.size(); ++i) CHECK(once[i] == doctest::Approx(refreshed[i]).epsilon(1e-4));
  const auto before = Invariance(mixed()).weight("f");
  CHECK(once != before);
  CHECK(run("{threshold: 1000000}", 1) == before);
  CHECK(run("{threshold: 1.5, layers: [a]}", 1) == before);
}

TEST_CASE("activation-equalization, direct: chains come to a common range, which a second run finds reached") {
  const auto weights_after = [](const std::string &settings, int times) {
    Invariance test(mixed());
    for (int i = 0; i < times; ++i) test.run("activation-equalization", settings);
    CHECK(test.change() < kSame);
    return test.weight("f");
  };
  const auto before = Invariance(mixed()).weight("f");
  const auto once = weights_after("{method: direct, most_factor: 1000000}", 1);
  const auto twice = weights_after("{method: direct, most_factor: 1000000}", 2);
  CHECK(once != before);
  for (std::size_t i = 0; i < once.size(); ++i) CHECK(once[i] == doctest::Approx(twice[i]).epsilon(1e-4));
  weights_after("{method: direct, level: 2, strength: 0.7}", 1);
  CHECK(weights_after("{method: direct, strength: 0}", 1) == before);
  CHECK(weights_after("{method: direct, most_factor: 1}", 1) == before);
}

}  // namespace
}  // namespace halftone::test
