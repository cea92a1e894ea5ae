// fuse-gelu, fuse-swish and fuse-mish.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "core/model/onnx_io.h"
#include "tests/unit/model/graph_maker.h"
#include "tests/unit/passes/float_check.h"

namespace halftone::test {
namespace {

using model::Handle;
using Build = std::function<Handle(Sketch &, Handle)>;

constexpr double kRoot = 0.7978845608028654;  // sqrt(2 / pi)

// Runs the pass on x -> form -> output; the form becomes `op`, or stays where that is empty.
void check(const Build &form, std::string_view pass, std::string_view op, std::string_view settings = {},
           std::int64_t opset = 13) {
  Sketch s(11, opset);
  const Handle x = s.node("Mul", {s.input({2, 3, 7}), s.scalar(4)});
  s.output(form(s, x));
  PassRunner r(s.done());
  const auto nodes = r.working.model.graph(r.working.model.main_graph()).nodes.size();
  run_and_compare(r, pass, settings);
  const auto left = r.working.model.graph(r.working.model.main_graph()).nodes.size();
  if (op.empty()) {
    CHECK(left == nodes);
  } else {
    CHECK(left == 2);
    CHECK(count_of(r, op) == 1);
  }
}

Handle erf(Sketch &s, Handle x, double by, bool quotient) {
  return s.node("Erf", {s.node(quotient ? "Div" : "Mul", {x, s.scalar(by)})});
}
// x * half * (f + one) in three orders.
Handle frame(Sketch &s, Handle x, Handle f, int order, double half = 0.5, double one = 1) {
  const Handle sum = order == 1 ? s.node("Add", {s.scalar(one), f}) : s.node("Add", {f, s.scalar(one)});
  if (order == 0) return s.node("Mul", {s.node("Mul", {x, sum}), s.scalar(half)});
  if (order == 1) return s.node("Mul", {s.node("Mul", {s.scalar(half), x}), sum});
  return s.node("Mul", {x, s.node("Mul", {sum, s.scalar(half)})});
}

TEST_CASE("fuse-gelu: the form with Erf in each order") {
  for (int order = 0; order < 3; ++order) {
    for (const bool quotient : {true, false}) {
      const double by = quotient ? 1.4142135381698608 : 0.70710678;
      const Build form = [=](Sketch &s, Handle x) { return frame(s, x, erf(s, x, by, quotient), order); };
      check(form, "fuse-gelu", "Gelu");
      check(form, "fuse-gelu", "Gelu", "{operator: microsoft, raise_opset: false}");
      check(form, "fuse-gelu", "", "{raise_opset: false}");
    }
  }
}

// The argument of Tanh as exporters write it.
Handle cubic(Sketch &s, Handle x, int how, double c = 0.044715, double k = kRoot) {
  if (how == 0) {
    const Handle cube = s.node("Pow", {x, s.scalar(3)});
    return s.node("Mul", {s.node("Add", {x, s.node("Mul", {s.scalar(c), cube})}), s.scalar(k)});
  }
  if (how == 1) {
    const Handle cube = s.node("Mul", {s.node("Mul", {x, x}), x});
    return s.node("Mul", {s.scalar(k), s.node("Add", {s.node("Mul", {cube, s.scalar(c)}), x})});
  }
  const Handle square = s.node("Mul", {s.node("Mul", {x, s.scalar(c)}), x});
  const Handle sum = s.node("Add", {s.scalar(1), square});
  if (how == 2) return s.node("Mul", {s.node("Mul", {x, s.scalar(k)}), sum});
  return s.node("Mul", {x, s.node("Mul", {s.scalar(k), sum})});
}

TEST_CASE("fuse-gelu: the form with Tanh") {
  for (int how = 0; how < 4; ++how) {
    const Build form = [=](Sketch &s, Handle x) { return frame(s, x, s.node("Tanh", {cubic(s, x, how)}), how % 3); };
    check(form, "fuse-gelu", "Gelu");
    check(form, "fuse-gelu", "FastGelu", "{operator: microsoft}", 17);
  }
}

TEST_CASE("fuse-gelu: other constants, readers and operands stay") {
  const auto kept = [](const Build &form) { check(form, "fuse-gelu", ""); };
  kept([](Sketch &s, Handle x) { return frame(s, x, erf(s, x, 1.41, true), 0); });
  kept([](Sketch &s, Handle x) { return frame(s, x, erf(s, x, 1.4142135, true), 0, 0.51); });
  kept([](Sketch &s, Handle x) { return frame(s, x, erf(s, x, 1.4142135, true), 0, 0.5, 0.9); });
  kept([](Sketch &s, Handle x) { return frame(s, x, erf(s, x, 1.4142135, false), 2); });
  kept([](Sketch &s, Handle x) { return frame(s, x, s.node("Tanh", {cubic(s, x, 0, 0.045)}), 0); });
  kept([](Sketch &s, Handle x) { return frame(s, x, s.node("Tanh", {cubic(s, x, 2, 0.044715, 0.8)}), 0); });
  kept([](Sketch &s, Handle x) { return frame(s, s.node("Relu", {x}), erf(s, x, 1.4142135, true), 0); });
  kept([](Sketch &s, Handle x) {
    const Handle e = erf(s, x, 1.4142135, true);
    s.output(e);
    return frame(s, x, e, 0);
  });
}

Handle cut(Sketch &s, Handle x, bool clip, double three = 3, double six = 6) {
  const Handle sum = s.node("Add", {x, s.scalar(three)});
  if (clip) return s.node("Clip", {sum, s.scalar(0), s.scalar(six)});
  return s.node("Min", {s.node("Relu", {sum}), s.scalar(six)});
}

TEST_CASE("fuse-gelu: what a constant does elsewhere does not count") {
  Sketch s(11, 13);
  const Handle x = s.node("Mul", {s.input({2, 3, 7}), s.scalar(4)});
  const Handle half = s.tensor({1, 1, 1}, {0.5F}), one = s.tensor({1, 1, 1}, {1});
  const Handle sum = s.node("Add", {erf(s, x, 1.4142135, true), one});
  s.output(s.node("Mul", {s.node("Mul", {x, sum}), half}));
  s.output(s.node("Mul", {s.input({7}), half}));  // here it adds two axes
  PassRunner r(s.done());
  run_and_compare(r, "fuse-gelu");
  CHECK(count_of(r, "Gelu") == 1);
}

TEST_CASE("fuse-swish: hard swish in its orders") {
  for (const bool clip : {true, false}) {
    for (int order = 0; order < 4; ++order) {
      check(
          [=](Sketch &s, Handle x) {
            const Handle c = cut(s, x, clip);
            if (order == 0) return s.node("Div", {s.node("Mul", {x, c}), s.scalar(6)});
            if (order == 1) return s.node("Mul", {x, s.node("Div", {c, s.scalar(6)})});
            if (order == 2) return s.node("Mul", {s.scalar(1.0 / 6), s.node("Mul", {c, x})});
            return s.node("Mul", {s.node("Mul", {c, s.scalar(1.0 / 6)}), x});
          },
          "fuse-swish", "HardSwish");
    }
  }
  check(
      [](Sketch &s, Handle x) {
        return s.node("Mul", {s.node("HardSigmoid", {x}, {Net::number("alpha", 0.1666667F)}), x});
      },
      "fuse-swish", "HardSwish", {}, 14);
}

TEST_CASE("fuse-swish: other constants stay, and smooth ones unless asked for") {
  const auto hard = [](double three, double six, double divisor) {
    return [=](Sketch &s, Handle x) {
      return s.node("Div", {s.node("Mul", {x, cut(s, x, true, three, six)}), s.scalar(divisor)});
    };
  };
  check(hard(3, 6, 5), "fuse-swish", "");
  check(hard(2.5, 6, 6), "fuse-swish", "");
  check(hard(3, 5, 6), "fuse-swish", "");
  check([](Sketch &s, Handle x) { return s.node("Mul", {x, s.node("HardSigmoid", {x})}); }, "fuse-swish", "");
  const Build smooth = [](Sketch &s, Handle x) { return s.node("Mul", {s.node("Sigmoid", {x}), x}); };
  check(smooth, "fuse-swish", "");
  check(smooth, "fuse-swish", "QuickGelu", "{smooth: microsoft}");
  check(
      [](Sketch &s, Handle x) {
        return s.node("Mul", {x, s.node("Sigmoid", {s.node("Mul", {x, s.scalar(1.702)})})});
      },
      "fuse-swish", "QuickGelu", "{smooth: microsoft}");
}

TEST_CASE("fuse-swish on ONNX's expanded HardSwish gives the published output") {
  const std::filesystem::path folder = "/usr/share/libonnx-testdata/data/node/test_hardswish_expanded";
  if (!std::filesystem::exists(folder)) {
    MESSAGE("libonnx-testdata is not installed");
    return;
  }
  const auto tensor = [&](const char *name) {
    std::ifstream in(folder / "test_data_set_0" / name, std::ios::binary);
    return model::parse_tensor_proto(std::string(std::istreambuf_iterator<char>(in), {}));
  };
  PassRunner r(model::import_onnx(folder / "model.onnx").model);
  r.run("fuse-swish");
  CHECK(model::test::ops_in_order(r.working.model) == "HardSwish");
  Runner runner(r.working, {.executor = "reference"});
  const Emitted emitted = runner.run({tensor("input_0.pb")});
  REQUIRE(emitted.size() == 1);
  CHECK(difference(emitted.begin()->second, tensor("output_0.pb"), {.relative = 1e-5}) == "");
}

TEST_CASE("fuse-mish") {
  check(
      [](Sketch &s, Handle x) {
        return s.node("Mul", {x, s.node("Tanh", {s.node("Softplus", {x})})});
      },
      "fuse-mish", "Mish");
  const auto long_form = [](double one) {
    return [=](Sketch &s, Handle x) {
      const Handle log = s.node("Log", {s.node("Add", {s.node("Exp", {x}), s.scalar(one)})});
      return s.node("Mul", {s.node("Tanh", {log}), x});
    };
  };
  check(long_form(1), "fuse-mish", "Mish");
  check(long_form(1.5), "fuse-mish", "");
  check(
      [](Sketch &s, Handle x) {
        return s.node("Mul", {x, s.node("Tanh", {s.node("Softplus", {s.node("Neg", {x})})})});
      },
      "fuse-mish", "");
}

}  // namespace
}  // namespace halftone::test
