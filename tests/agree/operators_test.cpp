// One small model for each operator that has a native form, and for the ways round it.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/agree/net.h"

namespace halftone::test {
namespace {

using model::Handle;

// Builds a model whose last node is the output and compares all values.
template <typename Build>
void check(const char *what, Build &&build) {
  INFO(what);
  Net net(9);
  net.output(build(net));
  const auto sample = net.sample(41);
  for (const bool tapped : {true, false}) {
    RunRequest request{.executor = "reference"};
    if (tapped) request.emits = made_values(net.working.model);
    const Emitted want = Runner(net.working, request).run(sample);
    request.executor = "onednn";
    const Emitted got = Runner(net.working, request).run(sample);
    CHECK(disagreement(net.working.model, got, want, {}) == "");
  }
}

Handle conv(Net &n, Handle x, const model::Shape &weight, Net::Attributes attributes) {
  return n.node("Conv", {x, n.weight(weight, 0.3F), n.weight({weight[0]})}, attributes);
}

}  // namespace

TEST_CASE("convolutions") {
  check("1D", [](Net &n) {
    return conv(n, n.input({1, 6, 40}), {10, 6, 5}, {Net::ints("pads", {2, 2}), Net::ints("strides", {2})});
  });
  check("3D", [](Net &n) { return conv(n, n.input({1, 3, 6, 7, 8}), {9, 3, 3, 3, 3}, {}); });
  check("uneven pads", [](Net &n) {
    return conv(n, n.input({1, 8, 11, 13}), {16, 8, 3, 2},
                {Net::ints("pads", {0, 1, 2, 0}), Net::ints("strides", {2, 1})});
  });
  check("pads as wide as the window", [](Net &n) {
    return conv(n, n.input({1, 4, 6, 6}), {4, 4, 2, 2}, {Net::ints("pads", {3, 3, 3, 3})});
  });
  check("same upper", [](Net &n) {
    return conv(n, n.input({1, 3, 17, 17}), {32, 3, 3, 3},
                {{"auto_pad", {std::string("SAME_UPPER")}}, Net::ints("strides", {2, 2})});
  });
  check("same lower", [](Net &n) {
    return conv(n, n.input({1, 3, 10, 10}), {8, 3, 4, 4}, {{"auto_pad", {std::string("SAME_LOWER")}}});
  });
  check("valid", [](Net &n) {
    return conv(n, n.input({1, 3, 10, 10}), {8, 3, 4, 4},
                {{"auto_pad", {std::string("VALID")}}, Net::ints("strides", {3, 3})});
  });
  check("weights that are computed", [](Net &n) {
    const Handle w = n.input({8, 4, 3, 3});
    return n.node("Conv", {n.input({1, 4, 9, 9}), n.node("Tanh", {w})});
  });
  check("batch of three", [](Net &n) { return conv(n, n.input({3, 5, 8, 8}), {7, 5, 3, 3}, {}); });
}

TEST_CASE("transposed convolutions") {
  const auto up = [](Net &n, Handle x, const model::Shape &w, std::int64_t bias, Net::Attributes a) {
    return n.node("ConvTranspose", {x, n.weight(w, 0.3F), n.weight({bias})}, a);
  };
  check("stride 2", [&](Net &n) {
    return n.node("Relu", {up(n, n.input({1, 6, 7, 9}), {6, 10, 4, 4}, 10,
                              {Net::ints("strides", {2, 2}), Net::ints("pads", {1, 1, 1, 1})})});
  });
  check("groups and output padding", [&](Net &n) {
    return up(n, n.input({1, 6, 7, 9}), {6, 4, 3, 3}, 8,
              {Net::ints("strides", {2, 2}), Net::ints("output_padding", {1, 1}), Net::integer("group", 2)});
  });
  check("1D", [&](Net &n) { return up(n, n.input({1, 4, 9}), {4, 3, 3}, 3, {Net::ints("strides", {3})}); });
}

TEST_CASE("followers of a convolution") {
  check("residual block", [](Net &n) {
    const Handle x = n.node("Relu", {n.input({1, 16, 9, 9})});
    const Handle y = n.node("Relu", {conv(n, x, {16, 16, 3, 3}, {Net::ints("pads", {1, 1, 1, 1})})});
    const Handle z = conv(n, y, {16, 16, 1, 1}, {});
    return n.node("Relu", {n.node("Add", {z, x})});
  });
  check("two branches", [](Net &n) {
    const Handle x = n.input({1, 16, 9, 9});
    const Handle sum = n.node("Add", {conv(n, x, {12, 16, 1, 1}, {}), conv(n, x, {12, 16, 1, 1}, {})});
    return n.node("Clip", {sum, n.weight({}, 0, 0), n.weight({}, 0, 6)});
  });
  check("batch norm", [](Net &n) {
    const Handle y = conv(n, n.input({1, 4, 9, 9}), {11, 4, 3, 3}, {});
    return n.node("Relu", {n.node("BatchNormalization",
                                  {y, n.weight({11}), n.weight({11}), n.weight({11}), n.weight({11}, 0.4F, 1)})});
  });
  check("numbers", [](Net &n) {
    Handle y = conv(n, n.input({1, 4, 9, 9}), {11, 4, 3, 3}, {});
    y = n.node("Mul", {y, n.weight({}, 0, 3)});
    y = n.node("Sub", {y, n.weight({1}, 0, 2)});
    y = n.node("Div", {y, n.weight({11, 1, 1}, 0.2F, 1)});
    return n.node("HardSigmoid", {y});
  });
  check("sigmoid gate", [](Net &n) {
    const Handle y = conv(n, n.input({1, 4, 9, 9}), {11, 4, 3, 3}, {});
    return n.node("Mul", {y, n.node("Sigmoid", {y})});
  });
  check("squeeze and excite", [](Net &n) {
    const Handle y = conv(n, n.input({1, 4, 9, 9}), {16, 4, 3, 3}, {});
    const Handle gate = conv(n, n.node("GlobalAveragePool", {y}), {16, 16, 1, 1}, {});
    return n.node("Mul", {n.node("Sigmoid", {gate}), y});
  });
}

TEST_CASE("matrices") {
  check("classifier", [](Net &n) {
    const Handle x = n.node("GlobalAveragePool", {conv(n, n.input({1, 3, 8, 8}), {20, 3, 3, 3}, {})});
    const Handle y = n.node("Flatten", {x});
    return n.node("Softmax", {n.node("Gemm", {y, n.weight({10, 20}), n.weight({10})}, {Net::integer("transB", 1)})});
  });
  check("gemm with factors", [](Net &n) {
    return n.node("Gemm", {n.input({5, 4}), n.weight({5, 6}), n.weight({4, 1})},
                  {Net::integer("transA", 1), Net::number("alpha", 0.5F), Net::number("beta", 2.0F)});
  });
  check("gemm with a matrix added", [](Net &n) {
    return n.node("Gemm", {n.input({5, 4}), n.weight({4, 6}), n.weight({5, 6})});
  });
  check("rows", [](Net &n) {
    const Handle x = n.input({1, 7, 12});
    const Handle y = n.node("Add", {n.node("MatMul", {x, n.weight({12, 12})}), n.weight({12})});
    return n.node("Add", {x, n.node("Tanh", {y})});
  });
  check("attention", [](Net &n) {
    const Handle x = n.input({1, 4, 7, 12});
    const Handle t = n.node("Transpose", {x}, {Net::ints("perm", {0, 1, 3, 2})});
    const Handle scores = n.node("Div", {n.node("MatMul", {x, t}), n.weight({}, 0, 3.5F)});
    return n.node("MatMul", {n.node("Softmax", {scores}), x});
  });
  check("layer norm", [](Net &n) {
    return n.node("LayerNormalization", {n.input({2, 5, 13}), n.weight({13}), n.weight({13})});
  });
}

TEST_CASE("shapes") {
  check("reshape by a computed shape", [](Net &n) {
    const Handle y = conv(n, n.input({1, 3, 6, 6}), {8, 3, 3, 3}, {});
    const Handle batch = n.node("Gather", {n.node("Shape", {y}), n.integers({0})});
    const Handle shape = n.node("Concat", {batch, n.integers({-1})}, {Net::integer("axis", 0)});
    return n.node("Relu", {n.node("Reshape", {y, shape})});
  });
  check("a view and its source are both read", [](Net &n) {
    const Handle x = n.node("Relu", {n.input({2, 6})});
    const Handle y = n.node("Reshape", {x, n.integers({3, 4})});
    const Handle z = n.node("Reshape", {n.node("Tanh", {y}), n.integers({2, 6})});
    return n.node("Add", {n.node("Sigmoid", {x}), z});
  });
  check("a shape that depends on data", [](Net &n) {
    const Handle found = n.node("NonZero", {n.node("Relu", {n.input({3, 5})})});
    const Handle numbers = n.node("Cast", {found}, {Net::integer("to", 1)});
    return n.node("Add", {numbers, n.weight({}, 0, 1)});
  });
  check("transpose of a blocked tensor", [](Net &n) {
    const Handle y = conv(n, n.input({1, 3, 6, 7}), {12, 3, 3, 3}, {});
    return n.node("Transpose", {y}, {Net::ints("perm", {0, 2, 3, 1})});
  });
  check("concatenation of blocked tensors", [](Net &n) {
    const Handle x = n.input({1, 3, 6, 7});
    return n.node("Concat", {conv(n, x, {16, 3, 3, 3}, {}), conv(n, x, {32, 3, 3, 3}, {})}, {Net::integer("axis", 1)});
  });
  check("broadcast both ways", [](Net &n) {
    return n.node("Sub", {n.node("Tanh", {n.input({3, 1, 5})}), n.node("Tanh", {n.input({4, 1})})});
  });
  check("pooling with a ceiling", [](Net &n) {
    return n.node("MaxPool", {n.input({1, 9, 8, 8})},
                  {Net::ints("kernel_shape", {3, 3}), Net::ints("strides", {2, 2}), Net::integer("ceil_mode", 1)});
  });
}

TEST_CASE("erf is right to 6 units in the last place, from denormal numbers to infinity") {
  std::vector<float> numbers = {0, -0.0F, INFINITY, -INFINITY, NAN};
  for (double x = 1e-44; x < 1e38; x *= 1.003) {
    numbers.insert(numbers.end(), {static_cast<float>(x), static_cast<float>(-x)});
  }
  for (double x = 3; x < 4; x += 1e-4) numbers.push_back(static_cast<float>(x));
  const auto count = static_cast<std::int64_t>(numbers.size());
  Net net(4);
  net.output(net.node("Erf", {net.input({count})}));
  const Emitted got = Runner(net.working, {}).run({model::Tensor::from_floats({count}, numbers)});
  const std::span<const float> values = got.begin()->second.floats();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    INFO(numbers[i]);
    const double want = std::erf(double{numbers[i]});
    if (std::isnan(want)) {
      CHECK(std::isnan(values[i]));
      continue;
    }
    const double unit = std::max(std::ldexp(std::abs(want), -23), 1.5e-45);
    CHECK(std::abs(double{values[i]} - want) <= 6 * unit);
    CHECK(std::abs(values[i]) <= 1);
  }
}

TEST_CASE("inputs of another shape are compiled anew") {
  Net net(4);
  model::Model &m = net.working.model;
  const Handle x = net.input({1, 3, -1, -1});
  net.output(net.node("Relu", {conv(net, x, {8, 3, 3, 3}, {})}));
  Runner plain(net.working, {.executor = "reference"}), fast(net.working, {});
  for (std::int64_t side = 4; side < 30; ++side) {
    const std::vector<model::Tensor> sample = {random_tensor({1, 3, side, side + 1}, 3)};
    CHECK(disagreement(m, fast.run(sample), plain.run(sample), {}) == "");
  }
}

TEST_CASE("control flow without a body is refused before any data is read") {
  Net net(4);
  net.output(net.node("Loop", {net.input({1})}));
  try {
    Runner(net.working, {});
    FAIL("no error");
  } catch (const Error &error) {
    CHECK(error.status() == Status::kInvalidArgument);
    CHECK(error.message().find("Loop") != std::string::npos);
  }
}

}  // namespace halftone::test
