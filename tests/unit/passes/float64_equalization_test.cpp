// Models in float64: statistics are taken of float32 alone, so passes look at the samples themselves.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "tests/unit/base/expect_error.h"
#include "tests/unit/passes/balanced_net.h"

namespace halftone::test {
namespace {

// All constants become float64, and what is computed from them; x and the output stay float32.
model::Model in_double(model::Model m) {
  const model::Handle g = m.main_graph();
  const auto cast = [&](model::Handle from, model::Handle to, std::int64_t onnx_type) {
    const model::Handle node = m.add_node(g, "Cast", "", "", std::vector{from}, std::vector{to});
    m.set_attribute(node, "to", {onnx_type});
  };
  const model::Handle x = m.graph(g).inputs.front(), wide = m.add_value(g, "wide");
  m.replace_uses(x, wide);
  cast(x, wide, 11);
  const model::Handle y = m.graph(g).outputs.front(), narrow = m.add_value(g, "narrow");
  m.replace_uses(y, narrow);  // becomes the output
  cast(y, narrow, 1);
  for (const model::Handle h : std::vector<model::Handle>(m.graph(g).values)) {
    const auto &stored = m.value(h).initializer;
    if (stored && stored->dtype() == HT_F32) {
      const std::vector<float> values = stored->to_floats();
      const std::vector<double> doubles(values.begin(), values.end());
      std::vector<std::byte> bytes(doubles.size() * sizeof(double));
      std::memcpy(bytes.data(), doubles.data(), bytes.size());
      m.set_initializer(h, model::Tensor(HT_F64, stored->shape(), std::move(bytes)));
    } else if (!stored && h != x && h != narrow) {
      m.set_type(h, {});
    }
  }
  return m;
}

BalancedNet chain() {
  BalancedNet net(9);
  model::Handle x = net.input({1, 3, 6, 6});
  x = net.node("Relu", {net.conv(x, 3, 8, 1, 3, "first")});
  x = net.node("Relu", {net.conv(x, 8, 8, 1, 1, "second")});
  x = net.node("Flatten", {net.node("GlobalAveragePool", {net.conv(x, 8, 5, 1, 1, "last")})});
  x = net.node("Relu", {net.node("MatMul", {x, net.weight({5, 6}, 1)}, {}, "product")});
  net.output(net.node("MatMul", {x, net.weight({6, 4})}, {}, "classes"));
  return net;
}

struct FedInDouble {
  explicit FedInDouble(BalancedNet net) : test(std::move(net)) {}
  void feed(const BalancedNet &net, std::uint32_t threads) {
    std::vector<std::vector<float>> samples;
    for (std::size_t i = 0; i < 7; ++i) samples.push_back(net.sample(500 + i).front().to_floats());
    test.runner.feed({3, 6, 6}, samples, threads);
  }
  Invariance test;
};

TEST_CASE("passes that need data take float64 models, with the same bits on any number of threads") {
  for (const auto &[pass, settings] :
       {std::pair("activation-equalization", "{threshold: 1}"),
        std::pair("activation-equalization", "{method: direct, range: least_error}"),
        std::pair("smooth-quant", "{convolutions: true}"), std::pair("smooth-quant", "{insert_mul: true}"),
        std::pair("ssd-equalization", "{}"), std::pair("layerwise-equalization", "{include_activations: true}"),
        std::pair("cross-layer-equalization", "{include_activations: true}"), std::pair("bias-absorption", "{}"),
        std::pair("bias-absorption", "{by: three-sigma}")}) {
    std::vector<model::Tensor> firsts;
    for (const std::uint32_t threads : {1U, 3U}) {
      const BalancedNet plain = chain();
      BalancedNet net = chain();
      net.model = in_double(std::move(net.model));
      FedInDouble fed(std::move(net));
      fed.feed(plain, threads);
      fed.test.run(pass, settings);
      CHECK_MESSAGE(fed.test.change() < 1e-6, pass, " ", settings);
      CHECK_MESSAGE(fed.test.ranges.passes == 0, pass, " ", settings);  // no statistics
      firsts.push_back(fed.test.tensor("first"));
      CHECK(firsts.back().dtype() == HT_F64);
    }
    CHECK(std::ranges::equal(firsts[0].bytes(), firsts[1].bytes()));
    const bool changes =
        std::string_view(pass) != "bias-absorption" && std::string_view(settings) != "{insert_mul: true}";
    CHECK_MESSAGE((firsts[0].to_floats() != Invariance(chain()).weight("first")) == changes, pass, " ", settings);
  }
}

TEST_CASE("float64 gives the factors that float32 gives") {
  for (const char *settings : {"{}", "{into_layers: true, convolutions: true}"}) {
    const BalancedNet plain = chain();
    BalancedNet net = chain();
    net.model = in_double(std::move(net.model));
    FedInDouble wide(std::move(net)), narrow(chain());
    wide.feed(plain, 1);
    std::vector<std::vector<model::Tensor>> same;
    for (std::size_t i = 0; i < 7; ++i) same.push_back(plain.sample(500 + i));
    SampledRanges ranges(same);
    narrow.test.runner.calibration = &ranges;
    wide.test.run("smooth-quant", settings);
    narrow.test.run("smooth-quant", settings);
    for (const char *layer : {"first", "second", "last", "product"}) {
      const std::vector<float> a = wide.test.weight(layer), b = narrow.test.weight(layer);
      REQUIRE(a.size() == b.size());
      for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-4));
    }
  }
}

TEST_CASE("a number that float32 does not hold, and limits of which only float32 tells whether they are reached") {
  BalancedNet net = chain();
  net.model = in_double(std::move(net.model));
  const model::Handle bias = net.model.node(net.model.find_node(net.model.main_graph(), "first")).inputs[2];
  std::vector<double> values(8, 1e300);
  net.model.set_initializer(bias, model::Tensor(HT_F64, {8}, [&] {
                              std::vector<std::byte> bytes(values.size() * sizeof(double));
                              std::memcpy(bytes.data(), values.data(), bytes.size());
                              return bytes;
                            }()));
  FedInDouble fed(std::move(net));
  fed.feed(chain(), 1);
  expect_error(Status::kFailedPrecondition, {"is NaN or infinite as float32"},
               [&] { fed.test.run("smooth-quant", "{convolutions: true}"); });

  BalancedNet limited(5);
  const model::Handle x = limited.input({1, 3, 6, 6});
  const model::Handle clip =
      limited.node("Clip", {limited.conv(x, 3, 8, 1, 3, "a"), limited.scalar(0), limited.scalar(6)}, {}, "clip");
  limited.output(limited.conv(clip, 8, 4, 1, 1, "b"));
  limited.model = in_double(std::move(limited.model));
  Invariance test(std::move(limited));
  expect_error(Status::kFailedPrecondition,
               {"node 'clip'",
                "its input is float64, and whether its limit is reached is only known of float32; give "
                "`clip: keep`, `clip: scale` or `force: true`, or convert the model to float32"},
               [&] { test.run("cross-layer-equalization", "{clip: replace}"); });
}

}  // namespace
}  // namespace halftone::test
