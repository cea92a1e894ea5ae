// fuse-layer-norm and fuse-skip-layer-norm.
#include <doctest/doctest.h>

#include "tests/unit/passes/float_check.h"

namespace halftone::test {
namespace {

using model::Handle;

struct NormForm {
  int subtractions = 1;  // 1: one difference, 2: two of one mean, 3: two of two means
  bool square_by_pow = true;
  int quotient = 0;  // 0: Div, 1: Reciprocal and Mul, 2: one / root and Mul
  Net::Ints axes = {-1};
  double exponent = 2, epsilon = 1e-5;
};

// As exporters write it, without scale and bias.
Handle norm(Sketch &s, Handle x, const NormForm &form) {
  const auto mean = [&](Handle v) { return s.node("ReduceMean", {v}, {Net::ints("axes", form.axes)}); };
  const Handle m = mean(x);
  const Handle d = s.node("Sub", {x, m});
  Handle e = d;
  if (form.subtractions == 2) e = s.node("Sub", {x, m});
  if (form.subtractions == 3) e = s.node("Sub", {x, mean(x)});
  const Handle square = form.square_by_pow ? s.node("Pow", {e, s.scalar(form.exponent)}) : s.node("Mul", {e, e});
  const Handle root = s.node("Sqrt", {s.node("Add", {mean(square), s.scalar(form.epsilon)})});
  if (form.quotient == 0) return s.node("Div", {d, root});
  const Handle inverse = form.quotient == 1 ? s.node("Reciprocal", {root}) : s.node("Div", {s.scalar(1), root});
  return s.node("Mul", {inverse, d});
}

TEST_CASE("fuse-layer-norm: every way to write it computes the same in one node") {
  for (int subtractions = 1; subtractions <= 3; ++subtractions) {
    for (const bool square_by_pow : {true, false}) {
      for (int quotient = 0; quotient < 3; ++quotient) {
        Sketch s(7, 13);
        const Handle x = s.input({2, 5, 8});
        NormForm form{subtractions, square_by_pow, quotient, {quotient == 0 ? -1 : 2}};
        const Handle y = norm(s, x, form);
        s.output(s.node("Add", {s.weight({8}), s.node("Mul", {y, s.weight({8}, 1, 1)})}));
        PassRunner r(s.done());
        run_and_compare(r, "fuse-layer-norm");
        CHECK(r.row("fused") == "1 layer normalizations");
        CHECK(r.working.model.graph(r.working.model.main_graph()).nodes.size() == 1);
        CHECK(r.working.model.opset("") == 17);
      }
    }
  }
}

TEST_CASE("fuse-layer-norm: several axes, parameters that broadcast, and none") {
  Sketch s(3, 13);
  const Handle x = s.input({2, 3, 4, 5});
  NormForm form;
  form.axes = {-2, -1};
  const Handle a = s.node("Mul", {norm(s, x, form), s.weight({4, 5})});
  form.axes = {3, 2, 1};
  const Handle b = s.node("Add", {norm(s, x, form), s.weight({1, 1, 5})});
  const Handle c = s.node("Mul", {norm(s, x, {}), s.scalar(0.5)});
  for (const Handle h : {a, b, c}) s.output(s.node("Neg", {h}));
  PassRunner r(s.done());
  run_and_compare(r, "fuse-layer-norm");
  CHECK(count_of(r, "LayerNormalization") == 3);
  CHECK(count_of(r, "Mul") + count_of(r, "Add") == 0);
}

TEST_CASE("fuse-layer-norm: the form x * m + (beta - mean * m)") {
  for (const bool has_gamma : {true, false}) {
    Sketch s(5, 13);
    const Handle x = s.input({2, 5, 8});
    const auto mean = [&](Handle v) { return s.node("ReduceMean", {v}, {Net::ints("axes", {-1})}); };
    const Handle a = mean(x), d = s.node("Sub", {x, a});
    const Handle root = s.node("Sqrt", {s.node("Add", {mean(s.node("Mul", {d, d})), s.scalar(1e-3)})});
    Handle factor = s.node("Reciprocal", {root});
    if (has_gamma) factor = s.node("Mul", {factor, s.weight({8})});
    s.output(s.node("Add", {s.node("Mul", {x, factor}), s.node("Sub", {s.weight({8}), s.node("Mul", {a, factor})})}));
    PassRunner r(s.done());
    run_and_compare(r, "fuse-layer-norm");
    CHECK(count_of(r, "LayerNormalization") == 1);
  }
}

TEST_CASE("fuse-layer-norm: where the rank is not known, axes from the end and the scale say enough") {
  for (const bool has_scale : {true, false}) {
    for (const std::int64_t axis : {-1, 2}) {
      Sketch s(2, 13);
      const Handle x = s.node("Neg", {s.input({2, 5, 8})});
      NormForm form;
      form.axes = {axis};
      Handle y = norm(s, x, form);
      if (has_scale) y = s.node("Mul", {y, s.weight({8})});
      s.output(s.node("Relu", {y}));
      model::Model m = s.done();
      m.set_type(x, {});
      PassRunner r(std::move(m));
      run_and_compare(r, "fuse-layer-norm");
      CHECK(count_of(r, "LayerNormalization") == (has_scale && axis < 0 ? 1 : 0));
    }
  }
}

TEST_CASE("fuse-layer-norm: what only looks like it stays") {
  const auto kept = [](const std::function<void(Sketch &, Handle)> &build, std::string_view settings = {}) {
    Sketch s(9, 13);
    build(s, s.input({2, 5, 8}));
    PassRunner r(s.done());
    run_and_compare(r, "fuse-layer-norm", settings, 1e-6);
    CHECK(count_of(r, "LayerNormalization") == 0);
  };
  kept([](Sketch &s, Handle x) {
    NormForm form;
    form.exponent = 4;
    s.output(norm(s, x, form));
  });
  kept([](Sketch &s, Handle x) {
    NormForm form;
    form.axes = {1};
    s.output(norm(s, x, form));
  });
  kept([](Sketch &s, Handle x) {  // means over different axes
    const Handle d = s.node("Sub", {x, s.node("ReduceMean", {x}, {Net::ints("axes", {-1})})});
    const Handle v = s.node("ReduceMean", {s.node("Mul", {d, d})}, {Net::ints("axes", {1, 2})});
    s.output(s.node("Div", {d, s.node("Sqrt", {s.node("Add", {v, s.scalar(1e-5)})})}));
  });
  kept([](Sketch &s, Handle x) {  // the difference is read elsewhere
    const Handle m = s.node("ReduceMean", {x}, {Net::ints("axes", {-1})});
    const Handle d = s.node("Sub", {x, m});
    const Handle v = s.node("ReduceMean", {s.node("Mul", {d, d})}, {Net::ints("axes", {-1})});
    s.output(s.node("Div", {d, s.node("Sqrt", {s.node("Add", {v, s.scalar(1e-5)})})}));
    s.output(s.node("Relu", {d}));
  });
  kept([](Sketch &s, Handle x) {  // the variance is an output
    const Handle d = s.node("Sub", {x, s.node("ReduceMean", {x}, {Net::ints("axes", {-1})})});
    const Handle v = s.node("ReduceMean", {s.node("Mul", {d, d})}, {Net::ints("axes", {-1})});
    s.output(v);
    s.output(s.node("Div", {d, s.node("Sqrt", {s.node("Add", {v, s.scalar(1e-5)})})}));
  });
  kept([](Sketch &s, Handle x) { s.output(norm(s, x, {})); }, "{raise_opset: false}");
}

TEST_CASE("fuse-layer-norm: a scale of the wrong axis or a bias that widens stays behind") {
  Sketch s(4, 17);
  const Handle x = s.input({2, 5, 8}), z = s.input({1, 8});
  s.output(s.node("Mul", {norm(s, x, {}), s.weight({5, 1})}));
  s.output(s.node("Add", {norm(s, z, {}), s.weight({4, 1, 8})}));
  PassRunner r(s.done());
  run_and_compare(r, "fuse-layer-norm");
  CHECK(count_of(r, "LayerNormalization") == 2);
  CHECK(count_of(r, "Mul") == 1);
  CHECK(count_of(r, "Add") == 1);
}

TEST_CASE("fuse-layer-norm: reductions and splits of the model move to the newer opset with it") {
  Sketch s(6, 13);
  const Handle x = s.input({2, 6, 8});
  const Handle m = s.node("ReduceMax", {s.node("Mul", {x, x})}, {Net::ints("axes", {1}), Net::integer("keepdims", 0)});
  s.output(m);
  s.output(s.node("ReduceMean", {x}));
  const Handle parts = s.node("Split", {x}, {Net::integer("axis", 2)});
  const Handle second = s.m().add_value(s.m().main_graph(), "second");
  s.m().set_output(s.m().value(parts).producer, 1, second);
  s.output(parts);
  s.output(second);
  s.output(s.node("Mul", {x, s.node("Tanh", {s.node("Softplus", {x})})}));
  PassRunner r(s.done());
  run_and_compare(r, "fuse-mish");
  CHECK(r.working.model.opset("") == 18);
  CHECK(count_of(r, "Mish") == 1);
}

Handle layer_norm(Sketch &s, Handle x, const model::Shape &shape) {
  return s.node("LayerNormalization", {x, s.weight(shape), s.weight(shape)}, {Net::number("epsilon", 1e-3F)});
}

TEST_CASE("fuse-skip-layer-norm: with the sum read once, more often, and as an output") {
  for (int readers = 0; readers < 3; ++readers) {
    Sketch s(static_cast<std::uint64_t>(readers) + 1);
    const Handle a = s.input({2, 5, 8}), b = s.input({2, 5, 8});
    const Handle sum = s.node("Add", {a, b});
    s.output(layer_norm(s, sum, {8}));
    if (readers == 1) s.output(s.node("Relu", {sum}));
    if (readers == 2) s.output(sum);
    PassRunner r(s.done());
    run_and_compare(r, "fuse-skip-layer-norm");
    CHECK(count_of(r, "SkipLayerNormalization") == 1);
    CHECK(count_of(r, "Add") == 0);
  }
}

TEST_CASE("fuse-skip-layer-norm: constants, broadcasts, other axes and ranks stay") {
  Sketch s(2);
  const Handle a = s.input({2, 5, 8}), row = s.input({1, 1, 8}), flat = s.input({5, 8});
  s.output(layer_norm(s, s.node("Add", {a, s.weight({2, 5, 8})}), {8}));
  s.output(layer_norm(s, s.node("Add", {a, row}), {8}));
  s.output(layer_norm(s, s.node("Add", {flat, flat}), {8}));
  s.output(s.node("LayerNormalization", {s.node("Add", {a, a}), s.weight({5, 8})}, {Net::integer("axis", 1)}));
  PassRunner r(s.done());
  run_and_compare(r, "fuse-skip-layer-norm", {}, 1e-6);
  CHECK(r.row("fused") == "0 sums with LayerNormalization");
}

}  // namespace
}  // namespace halftone::test
