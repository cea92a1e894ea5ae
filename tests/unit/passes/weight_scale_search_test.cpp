#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "passes/quantization/weight_error.h"
#include "tests/unit/base/expect_error.h"
#include "tests/unit/model/graph_maker.h"
#include "tests/unit/passes/pass_runner.h"

namespace halftone::test {
namespace {

using model::Tensor;
using model::test::GraphMaker;

constexpr std::string_view kTypes = R"(
halftone-platform: 1
id: test
types:
  activation: {bits: 8, symmetry: symmetric, observer: minmax}
  weight: {bits: 8, symmetry: symmetric, granularity: channel, observer: minmax)";
constexpr std::string_view kOperators = R"(}
operators:
  - {types: [Conv, Gemm], computing: true}
  - types: [Add]
dispatcher: allin
)";

std::string platform(std::string_view weight) {
  return std::string(kTypes) + std::string(weight) + std::string(kOperators);
}

std::vector<float> random_weights(std::size_t count) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  std::vector<float> w(count);
  for (float &x : w) x = normal(random);
  return w;
}

// A Gemm whose channels are the columns, so that the weights of a channel do not lie side by side.
PassRunner with_gemm(std::string_view weight_type, const std::vector<float> &w) {
  GraphMaker g;
  g.input("x", {1, 9});
  g.constant("w", Tensor::from_floats({9, 4}, w));
  g.constant("c", Tensor::from_floats({4}, std::vector<float>{1, 2, 3, 4}));
  g.node("Gemm", {"x", "w"}, {"t"}, "gemm");
  g.node("Add", {"t", "c"}, {"y"}, "add");
  g.output("y");
  PassRunner r(std::move(g.model), platform(weight_type));
  for (const char *pass : {"assign-configs", "parameter-quantize"}) r.run(pass);
  return r;
}

std::vector<float> scales_of(PassRunner &r, std::string_view node, std::uint32_t slot) {
  const auto s = r.working.configs.scales(r.input(node, slot));
  return {s.begin(), s.end()};
}

TEST_CASE("each channel takes the candidate with the least expected error") {
  const std::vector<float> w = random_weights(36);
  PassRunner r = with_gemm("", w);
  const std::vector<float> before = scales_of(r, "gemm", 1), other = scales_of(r, "add", 1);
  r.run("weight-scale-search", "{lowest: 0.7, highest: 1.1, candidates: 41}");
  const std::vector<float> after = scales_of(r, "gemm", 1);
  REQUIRE(after.size() == 4);
  bool any_better = false;
  for (std::size_t c = 0; c < 4; ++c) {
    std::vector<float> channel;
    for (std::size_t k = 0; k < 9; ++k) channel.push_back(w[k * 4 + c]);
    const auto error = [&](float scale) {
      return passes::weight_error(channel, scale, {-128, 127}, passes::kRectifiedMeanToVariance);
    };
    for (int i = 0; i <= 40; ++i) {
      const auto candidate = static_cast<float>(static_cast<double>(before[c]) * (0.7 + 0.01 * i));
      CHECK(error(after[c]) <= error(candidate) * (1 + 1e-5));
    }
    any_better = any_better || error(after[c]) < 0.9 * error(before[c]);
  }
  CHECK(any_better);
  CHECK(scales_of(r, "add", 1) == other);  // a constant, not a weight
  CHECK(r.row("searched") == "1 weights, 1 changed");
}

TEST_CASE("scales that are not free stay") {
  const std::vector<float> w = random_weights(36);
  for (const char *type : {", scale: power-of-two", ", span: half, scale: power-of-two"}) {
    PassRunner r = with_gemm(type, w);
    const std::vector<float> before = scales_of(r, "gemm", 1);
    r.run("weight-scale-search");
    CHECK(scales_of(r, "gemm", 1) == before);
    CHECK(r.row("searched") == "0 weights, 0 changed");
  }
}

TEST_CASE("weights of zero, tiny and huge ones keep scales that are scales") {
  for (const float size : {0.0F, 1e-9F, 1e30F, 1e38F}) {
    std::vector<float> w = random_weights(36);
    for (float &x : w) x = std::clamp(x, -3.0F, 3.0F) * size;
    PassRunner r = with_gemm("", w);
    const std::vector<float> before = scales_of(r, "gemm", 1);
    r.run("weight-scale-search");
    INFO(size);
    for (const float scale : scales_of(r, "gemm", 1)) CHECK((scale >= 1e-8F && std::isfinite(scale)));
    if (size < 1) CHECK(scales_of(r, "gemm", 1) == before);
    if (size < 1) CHECK(r.working.configs.get(r.input("gemm", 1)).provenance.pass == "test");  // still the observer's
    if (size > 1) CHECK(r.row("error").find("-") == std::string::npos);
  }
}

TEST_CASE("weights that are baked are an error and not searched in vain") {
  PassRunner r = with_gemm("", random_weights(36));
  r.run("parameter-baking");
  expect_error(Status::kFailedPrecondition, {"input 1 of Gemm 'gemm'", "before parameter-baking"},
               [&] { r.run("weight-scale-search"); });
}

}  // namespace
}  // namespace halftone::test
