// What tests of passes on small nets begin with: a platform of 8 bits, its quantization points, and numbers for
// weights.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/model/graph_maker.h"
#include "tests/unit/passes/pass_runner.h"

namespace halftone::test {

struct SmallPlatform {
  std::string_view operators;  // entries of the list `operators`, one a line
  std::string_view bias = "";  // the type `bias`; none when empty
  std::string_view rest = "";  // further keys, one a line
  std::string_view bits_of_weights = "8";
};

// Symmetric, one scale for each activation and each channel of a weight, observer minmax.
inline std::string text_of(const SmallPlatform &platform) {
  std::string text =
      "halftone-platform: 1\nid: test\ntypes:\n"
      "  activation: {bits: 8, symmetry: symmetric, observer: minmax}\n  weight: {bits: ";
  text.append(platform.bits_of_weights).append(", symmetry: symmetric, granularity: channel, observer: minmax}\n");
  if (!platform.bias.empty()) text.append("  bias: ").append(platform.bias).append("\n");
  return text.append("operators:\n").append(platform.operators).append("\n").append(platform.rest).append("\n");
}

inline constexpr std::string_view kWideBias = "{bits: 32, symmetry: symmetric}";

// From configs for all slots to scales of the weights.
inline void find_quantization_points(PassRunner &r) {
  for (const char *pass : {"assign-configs", "quantize-fusion", "quantize-simplify", "parameter-quantize"}) r.run(pass);
}

// An input `x` of two channels, and constants for a Conv of 1 x 1 that keeps them: weight `w` and bias `b`.
inline model::test::GraphMaker with_conv_constants() {
  model::test::GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.constant("w", model::Tensor::from_floats({2, 2, 1, 1}, std::vector<float>{1.27F, -0.5F, 0, 2.54F}));
  g.constant("b", model::Tensor::from_floats({2}, std::vector<float>{3, -4}));
  return g;
}

// Numbers of a normal distribution with deviation 1.
inline std::vector<float> normal(std::size_t count, unsigned seed, float mean = 0) {
  std::mt19937 random(seed);
  std::normal_distribution<float> draw(mean);
  std::vector<float> out(count);
  for (float &x : out) x = draw(random);
  return out;
}

// What an input slot of a node reads, which is an initializer.
inline std::vector<float> stored(const PassRunner &r, std::string_view node, std::size_t slot) {
  const model::Model &m = r.working.model;
  return m.value(m.node(r.node(node)).inputs.at(slot)).initializer->to_floats();
}

}  // namespace halftone::test
