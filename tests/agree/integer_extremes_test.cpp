// Integer mode: sums of extreme codes and weights, near the ends of 32 bits, against arithmetic of 64 bits.
#include <doctest/doctest.h>

#include <functional>

#include "tests/agree/integer_net.h"

namespace halftone::test {
namespace {

using model::Handle;
using model::Shape;

// Codes of the first operand: the zero point, and the difference from it that all have.
struct Extreme {
  bool is_signed;
  std::int32_t zero;
  float value;
};
// The last one's sums of codes, without the zero point, leave 32 bits on the way.
constexpr Extreme kExtremes[] = {
    {false, 0, 255}, {false, 255, -255}, {true, 127, -255}, {true, -128, 255}, {false, 128, 127}};

struct Product {
  const char *op;
  Shape x, w;
  Net::Attributes attributes;
  std::int64_t depth;  // products of one sum
  bool is_stored = true;
};

void check(const Product &product, const Extreme &extreme, float weight, bool is_signed_weight) {
  Net net;
  const Handle x = net.input(product.x);
  const Handle w = product.is_stored ? net.weight(product.w, 0, weight) : net.input(product.w);
  const Handle y = net.node(product.op, {x, w}, product.attributes);
  const Handle node = net.working.model.value(y).producer;
  put(net, node, false, 0, {8, extreme.is_signed, 1.0F, extreme.zero});
  put(net, node, false, 1, {8, is_signed_weight, 1.0F, is_signed_weight ? 0 : (weight < 0 ? 255 : 0)});
  net.output(y);
  const auto filled = [](const Shape &shape, float value) {
    std::int64_t count = 1;
    for (const std::int64_t extent : shape) count *= extent;
    return model::Tensor::from_floats(shape, std::vector<float>(static_cast<std::size_t>(count), value));
  };
  std::vector<model::Tensor> inputs;
  inputs.push_back(filled(product.x, extreme.value));
  if (!product.is_stored) inputs.push_back(filled(product.w, weight));
  REQUIRE(ways(net, 1)[product.op] == "integer sums");
  const Emitted got = Runner(net.working, {.mode = host::Mode::kInteger}).run(inputs);
  const std::int64_t want =
      product.depth * static_cast<std::int64_t>(extreme.value) * static_cast<std::int64_t>(weight);
  REQUIRE(std::abs(want) <= 2147483647);
  for (const float sum : got.at(y).floats()) REQUIRE(sum == static_cast<float>(want));
}

}  // namespace

TEST_CASE("no sum of integer mode saturates or wraps: convolutions, transposed ones, and products") {
  using A = Net::Attributes;
  // 2^16 products of 255 and -128, or twice as many of 127 and -128, come within a percent of -2^31.
  const std::vector<Product> products = {
      {"Conv", {1, 4096, 4, 5}, {19, 4096, 4, 4}, {}, 65536},
      {"Conv", {1, 8192, 4, 4}, {6, 4096, 4, 4}, A{Net::integer("group", 2)}, 65536},
      {"Conv", {1, 4096, 16}, {3, 4096, 16}, {}, 65536},
      {"Conv", {1, 4096, 2, 2, 4}, {3, 4096, 2, 2, 4}, {}, 65536},
      {"Conv", {1, 2, 256, 257}, {2, 1, 256, 256}, A{Net::integer("group", 2)}, 65536},
      {"ConvTranspose", {1, 65536, 1, 2}, {65536, 2, 1, 2}, A{Net::ints("strides", {1, 2})}, 65536},
      {"Gemm", {3, 65536}, {65536, 5}, {}, 65536},
  };
  for (const Product &product : products) {
    for (const Extreme &extreme : kExtremes) {
      for (const float weight : {127.0F, -128.0F}) {
        CAPTURE(std::string(product.op));
        CAPTURE(extreme.zero);
        check(product, extreme, weight, true);
      }
    }
  }
  // Twice as long: the sums of codes pass 2^32, those of differences stay below 2^31.
  for (const float weight : {127.0F, -128.0F})
    check({"Conv", {1, 8191, 4, 4}, {3, 8191, 4, 4}, {}, 131056}, {false, 128, 127}, weight, true);
  // Differences of nine bits on both sides.
  for (const Extreme &extreme : kExtremes) {
    for (const float other : {255.0F, -255.0F})
      check({"MatMul", {2, 3, 33025}, {2, 33025, 4}, {}, 33025, false}, extreme, other, false);
  }
}

}  // namespace halftone::test
