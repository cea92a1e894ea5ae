// Operators that run inside a convolution, or around one in its layout; and those beside them that must not.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/agree/net.h"

namespace halftone::test {
namespace {

using model::Handle;

Handle conv(Net &n, Handle x, const model::Shape &weight) {
  const std::int64_t pad = weight[2] / 2;
  return n.node("Conv", {x, n.weight(weight, 0.3F), n.weight({weight[0]})}, {Net::ints("pads", {pad, pad, pad, pad})});
}

Handle number(Net &n, float value) {
  return n.weight({}, 0, value);
}

// Compares the output alone, where everything may be fused, and every value. Gives the number of steps that compute
// nodes when only the output is wanted.
template <typename Build>
std::size_t check(const char *what, Build &&build) {
  INFO(what);
  Net net(5);
  net.output(build(net, conv(net, net.input({1, 5, 9, 11}), {20, 5, 3, 3})));
  const auto sample = net.sample(3);
  for (const bool tapped : {true, false}) {
    RunRequest request{.executor = "reference"};
    if (tapped) request.emits = made_values(net.working.model);
    const Emitted want = Runner(net.working, request).run(sample);
    request.executor = "onednn";
    CHECK(disagreement(net.working.model, Runner(net.working, request).run(sample), want, {}) == "");
  }
  Runner timed(net.working, {.timed = true});
  timed.run(sample);
  const auto steps = timed.profile();
  return static_cast<std::size_t>(
      std::ranges::count_if(steps, [](const host::StepTime &step) { return step.kind == HT_STEP_NODE; }));
}

Handle batch_norm(Net &n, Handle x, std::int64_t channels) {
  return n.node("BatchNormalization", {x, n.weight({channels}), n.weight({channels}), n.weight({channels}),
                                       n.weight({channels}, 0.4F, 1.0F)});
}

Handle clipped(Net &n, Handle x, float low, float high) {
  return n.node("Clip", {x, number(n, low), number(n, high)});
}

}  // namespace

TEST_CASE("factors and shifts of channels become part of a convolution") {
  CHECK(check("batch normalization", [](Net &n, Handle x) { return batch_norm(n, x, 20); }) == 1);
  CHECK(check("with an activation", [](Net &n, Handle x) { return clipped(n, batch_norm(n, x, 20), -1, 1); }) == 1);
  CHECK(check("twice", [](Net &n, Handle x) { return batch_norm(n, batch_norm(n, x, 20), 20); }) == 1);
  CHECK(check("numbers", [](Net &n, Handle x) {
          return n.node("Sub", {n.node("Mul", {x, n.weight({20, 1, 1})}), number(n, 0.7F)});
        }) == 1);
  check("behind an activation", [](Net &n, Handle x) { return batch_norm(n, n.node("Tanh", {x}), 20); });
  check("along another axis", [](Net &n, Handle x) { return n.node("Mul", {x, n.weight({11})}); });
}

TEST_CASE("a sum goes onto a tensor that nobody reads any more, and onto no other") {
  CHECK(check("block", [](Net &n, Handle x) {
          const Handle y = n.node("Relu", {conv(n, x, {20, 20, 3, 3})});
          return n.node("Relu", {n.node("Add", {conv(n, y, {20, 20, 1, 1}), x})});
        }) <= 4);
  check("of its own source", [](Net &n, Handle x) { return n.node("Add", {conv(n, x, {20, 20, 1, 1}), x}); });
  check("read later", [](Net &n, Handle x) {
    const Handle y = n.node("Add", {x, conv(n, n.node("Relu", {x}), {20, 20, 3, 3})});
    return n.node("Mul", {y, n.node("Relu", {x})});
  });
  check("a name of it read later", [](Net &n, Handle x) {
    const Handle same = n.node("Identity", {x});
    const Handle y = n.node("Add", {x, conv(n, n.node("Tanh", {x}), {20, 20, 3, 3})});
    return n.node("Sub", {y, same});
  });
}

TEST_CASE("gates run inside the step before, however they are spelt") {
  CHECK(check("swish", [](Net &n, Handle x) { return n.node("Mul", {x, n.node("Sigmoid", {x})}); }) == 1);
  CHECK(check("hard-sigmoid", [](Net &n, Handle x) {
          const Handle gate = n.node("HardSigmoid", {x}, {Net::number("alpha", 1.0F / 6), Net::number("beta", 0.5F)});
          return n.node("Mul", {gate, x});
        }) == 1);
  const auto relu6 = [](Net &n, Handle x) { return clipped(n, n.node("Add", {x, number(n, 3)}), 0, 6); };
  CHECK(check("product, then quotient", [&](Net &n, Handle x) {
          return n.node("Div", {n.node("Mul", {x, relu6(n, x)}), number(n, 6)});
        }) == 1);
  CHECK(check("quotient, then product", [&](Net &n, Handle x) {
          return n.node("Mul", {x, n.node("Div", {relu6(n, x), number(n, 6)})});
        }) == 1);
  CHECK(check("a factor", [&](Net &n, Handle x) {
          return n.node("Mul", {n.node("Mul", {x, relu6(n, x)}), number(n, 1.0F / 6)});
        }) == 1);
}

TEST_CASE("a gelu of erf runs inside the step before, wherever its half stands") {
  const auto gate = [](Net &n, Handle x) {
    return n.node("Add", {n.node("Erf", {n.node("Div", {x, number(n, std::sqrt(2.0F))})}), number(n, 1)});
  };
  CHECK(check("behind the product", [&](Net &n, Handle x) {
          return n.node("Mul", {n.node("Mul", {x, gate(n, x)}), number(n, 0.5F)});
        }) == 1);
  CHECK(check("on the value, made first", [&](Net &n, Handle x) {
          const Handle half = n.node("Mul", {x, number(n, 0.5F)});
          return n.node("Mul", {half, gate(n, x)});
        }) == 1);
  CHECK(check("on the value, made last", [&](Net &n, Handle x) {
          const Handle factor = gate(n, x);
          return n.node("Mul", {factor, n.node("Div", {x, number(n, 2)})});
        }) == 1);
  CHECK(check("on the gate, of a product with the root", [](Net &n, Handle x) {
          const Handle erf = n.node("Erf", {n.node("Mul", {x, number(n, std::sqrt(0.5F))})});
          const Handle half = n.node("Mul", {n.node("Add", {number(n, 1), erf}), number(n, 0.5F)});
          return n.node("Mul", {half, x});
        }) == 1);
}

TEST_CASE("what only resembles a gate is computed as it stands") {
  check("bounds behind the product", [](Net &n, Handle x) {
    const Handle y = n.node("Mul", {x, n.node("Add", {x, number(n, 3)})});
    return n.node("Div", {clipped(n, y, 0, 6), number(n, 6)});
  });
  check("a shift behind the product", [](Net &n, Handle x) {
    const Handle y = n.node("Mul", {x, clipped(n, x, -3, 3)});
    return n.node("Div", {n.node("Add", {y, number(n, 3)}), number(n, 6)});
  });
  check("another bound", [](Net &n, Handle x) {
    const Handle gate = clipped(n, n.node("Add", {x, number(n, 3)}), 0, 5);
    return n.node("Div", {n.node("Mul", {x, gate}), number(n, 6)});
  });
  check("a factor on the sigmoid", [](Net &n, Handle x) {
    return n.node("Mul", {x, n.node("Mul", {n.node("Sigmoid", {x}), number(n, 2)})});
  });
  check("two gates of one value", [](Net &n, Handle x) {
    return n.node("Mul", {n.node("Tanh", {x}), n.node("Sigmoid", {x})});
  });
  const auto erf_gate = [](Net &n, Handle x, float root, float shift) {
    return n.node("Add", {n.node("Erf", {n.node("Div", {x, number(n, root)})}), number(n, shift)});
  };
  check("erf of another root", [&](Net &n, Handle x) {
    return n.node("Mul", {n.node("Mul", {x, erf_gate(n, x, 1.5F, 1)}), number(n, 0.5F)});
  });
  check("erf with another shift", [&](Net &n, Handle x) {
    return n.node("Mul", {n.node("Mul", {x, erf_gate(n, x, std::sqrt(2.0F), 0.5F)}), number(n, 0.5F)});
  });
  check("erf without the half", [&](Net &n, Handle x) {
    return n.node("Mul", {x, erf_gate(n, x, std::sqrt(2.0F), 1)});
  });
  check("the half is read elsewhere", [&](Net &n, Handle x) {
    const Handle half = n.node("Mul", {x, number(n, 0.5F)});
    return n.node("Add", {n.node("Mul", {half, erf_gate(n, x, std::sqrt(2.0F), 1)}), half});
  });
  check("the half is shifted too", [&](Net &n, Handle x) {
    const Handle half = n.node("Add", {n.node("Mul", {x, number(n, 0.5F)}), number(n, 1)});
    return n.node("Mul", {half, erf_gate(n, x, std::sqrt(2.0F), 1)});
  });
  check("the gate is read elsewhere", [](Net &n, Handle x) {
    const Handle gate = n.node("Sigmoid", {x});
    return n.node("Add", {n.node("Mul", {x, gate}), gate});
  });
}

TEST_CASE("softmax over rows short and long") {
  for (const std::int64_t length : {1, 2, 8, 9}) {
    check("rows", [&](Net &n, Handle x) {
      const Handle row = n.node("Slice", {x, n.integers({0}), n.integers({length}), n.integers({3})});
      return n.node("Softmax", {row}, {Net::integer("axis", 3)});
    });
  }
}

TEST_CASE("slices, borders and sums in the layout of a convolution") {
  const auto sliced = [](Net &n, Handle x, const Net::Ints &starts, const Net::Ints &ends, const Net::Ints &axes,
                         const Net::Ints &steps) {
    return n.node("Slice", {x, n.integers(starts), n.integers(ends), n.integers(axes), n.integers(steps)});
  };
  check("every other channel", [&](Net &n, Handle x) {
    return conv(n, sliced(n, x, {1}, {1000}, {1}, {2}), {4, 10, 1, 1});
  });
  check("from the end", [&](Net &n, Handle x) { return sliced(n, x, {-2, -1}, {-9, -100}, {2, -1}, {-2, -3}); });
  check("a middle", [&](Net &n, Handle x) { return sliced(n, x, {2, 3}, {8, -1}, {2, 3}, {1, 1}); });
  check("one pixel", [&](Net &n, Handle x) { return sliced(n, x, {4, 4}, {5, 5}, {2, 3}, {1, 1}); });
  check("border", [](Net &n, Handle x) {
    return conv(n, n.node("Pad", {x, n.integers({0, 2, 1, 0, 0, 3, 0, 2}), number(n, 0.25F)}), {4, 25, 1, 1});
  });
  check("border of zeros", [](Net &n, Handle x) { return n.node("Pad", {x, n.integers({0, 0, 1, 1, 0, 0, 1, 1})}); });
  check("negative border", [](Net &n, Handle x) { return n.node("Pad", {x, n.integers({0, 0, -1, 1, 0, 0, 1, 1})}); });
  check("mean of all", [](Net &n, Handle x) { return n.node("ReduceMean", {n.node("Pow", {x, number(n, 2)})}); });
  check("cube", [](Net &n, Handle x) { return n.node("Pow", {x, number(n, 3)}); });
  for (const Net::Ints &axes : {Net::Ints{2, 3}, {1}, {0, 1}, {1, 3}, {-1}}) {
    for (const std::int64_t keep : {0, 1}) {
      check("mean", [&](Net &n, Handle x) {
        return n.node("ReduceMean", {x}, {Net::ints("axes", axes), Net::integer("keepdims", keep)});
      });
    }
    check("sum", [&](Net &n, Handle x) { return n.node("ReduceSum", {x, n.integers(axes)}); });
  }
  check("sum of nothing", [](Net &n, Handle x) {
    return n.node("ReduceSum", {x, n.integers({})}, {Net::integer("noop_with_empty_axes", 1)});
  });
}

}  // namespace halftone::test
