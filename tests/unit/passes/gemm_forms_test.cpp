// fuse-gemm, fuse-matmul-add and decompose-gemm.
#include <doctest/doctest.h>

#include "tests/unit/passes/float_check.h"

namespace halftone::test {
namespace {

using model::Handle;

TEST_CASE("fuse-gemm: biases of one row, and a lone MatMul") {
  for (const model::Shape &bias : {model::Shape{6}, model::Shape{1, 6}, model::Shape{1}, model::Shape{}}) {
    Sketch s(3);
    const Handle x = s.input({4, 5});
    s.output(s.node("Add", {s.weight(bias), s.node("MatMul", {x, s.weight({5, 6})})}));
    s.output(s.node("MatMul", {x, s.weight({5, 2})}));
    PassRunner r(s.done());
    run_and_compare(r, "fuse-gemm");
    CHECK(r.row("fused") == "1 MatMul with Add into Gemm");
    CHECK(r.row("turned") == "1 lone MatMul into Gemm");
    CHECK(count_of(r, "Gemm") == 2);
    CHECK(count_of(r, "Add") == 0);
  }
}

TEST_CASE("fuse-gemm: what is no Gemm stays") {
  Sketch s(4);
  const Handle x = s.input({4, 5}), deep = s.input({2, 4, 5}), y = s.input({5, 6}), row = s.input({1, 5});
  s.output(s.node("Add", {s.node("MatMul", {deep, s.weight({5, 6})}), s.weight({6})}));    // three axes
  s.output(s.node("MatMul", {x, y}));                                                      // no parameter
  s.output(s.node("MatMul", {x, s.weight({5})}));                                          // a vector
  s.output(s.node("Add", {s.node("MatMul", {row, s.weight({5, 6})}), s.weight({4, 6})}));  // the Add widens
  const Handle t = s.node("MatMul", {x, s.weight({5, 6})});
  s.output(t);
  s.output(s.node("Add", {t, s.weight({6})}));  // an output between
  PassRunner r(s.done());
  run_and_compare(r, "fuse-gemm", "{lone: false}", 1e-6);
  CHECK(count_of(r, "Gemm") == 0);
  run_and_compare(r, "fuse-gemm");
  CHECK(r.row("fused") == "0 MatMul with Add into Gemm");
  CHECK(count_of(r, "Gemm") == 2);
}

TEST_CASE("fuse-matmul-add: three and four axes, one unknown extent at most") {
  Sketch s(5);
  const Handle a = s.input({2, 4, 5}), b = s.input({2, 3, 4, 5}), c = s.input({-1, 4, 5}), d = s.input({-1, -1, 5});
  for (const Handle x : {a, b, c, d}) {
    s.output(s.node("Relu", {s.node("Add", {s.node("MatMul", {x, s.weight({5, 6})}), s.weight({1, 1, 6})})}));
  }
  PassRunner r(s.done());
  run_and_compare(r, "fuse-matmul-add");
  CHECK(r.row("fused") == "3 MatMul with Add into Gemm");
  CHECK(r.row("left") == "1 with more than one unknown extent");
}

TEST_CASE("fuse-matmul-add: matrices, wrong axes and shared sums stay") {
  Sketch s(6);
  const Handle x = s.input({4, 5}), deep = s.input({2, 4, 5});
  s.output(s.node("Add", {s.node("MatMul", {x, s.weight({5, 6})}), s.weight({6})}));
  s.output(s.node("Add", {s.node("MatMul", {deep, s.weight({5, 6})}), s.weight({4, 1})}));
  s.output(s.node("Add", {s.node("MatMul", {deep, s.weight({5, 6})}), s.weight({1, 1, 1, 6})}));
  s.output(s.node("Add", {s.node("MatMul", {deep, s.weight({2, 5, 6})}), s.weight({6})}));
  const Handle t = s.node("MatMul", {deep, s.weight({5, 6})});
  s.output(s.node("Add", {t, s.weight({6})}));
  s.output(s.node("Add", {t, s.weight({6})}));
  PassRunner r(s.done());
  run_and_compare(r, "fuse-matmul-add", {}, 1e-6);
  CHECK(count_of(r, "Gemm") == 0);
}

TEST_CASE("decompose-gemm: alpha, beta, transA and transB, constants or not") {
  for (int bits = 0; bits < 32; ++bits) {
    const bool ta = (bits & 1) != 0, tb = (bits & 2) != 0, constants = (bits & 4) != 0, bias = (bits & 8) != 0,
               factors = (bits & 16) != 0;
    Sketch s(static_cast<std::uint64_t>(bits) + 1);
    const auto operand = [&](const model::Shape &shape) { return constants ? s.weight(shape) : s.input(shape); };
    std::vector<Handle> inputs = {s.input(ta ? model::Shape{5, 4} : model::Shape{4, 5}),
                                  operand(tb ? model::Shape{6, 5} : model::Shape{5, 6})};
    if (bias) inputs.push_back(operand(ta ? model::Shape{4, 1} : model::Shape{6}));
    Net::Attributes attributes = {Net::integer("transA", ta ? 1 : 0), Net::integer("transB", tb ? 1 : 0)};
    if (factors) attributes.insert(attributes.end(), {Net::number("alpha", 0.7F), Net::number("beta", -1.3F)});
    s.output(s.node("Gemm", inputs, attributes));
    PassRunner r(s.done());
    run_and_compare(r, "decompose-gemm");
    CHECK(count_of(r, "Gemm") == 0);
    CHECK(count_of(r, "MatMul") == 1);
    CHECK(count_of(r, "Transpose") == (ta ? 1 : 0) + (tb && !constants ? 1 : 0));
    CHECK(count_of(r, "Mul") == (factors && !constants ? (bias ? 2 : 1) : 0));
  }
}

TEST_CASE("decompose-gemm: beta 0 drops the bias, a shared weight stays for the others") {
  Sketch s(8);
  const Handle x = s.input({4, 5}), w = s.weight({6, 5}), b = s.weight({6});
  s.output(s.node("Gemm", {x, w, b}, {Net::integer("transB", 1), Net::number("beta", 0)}));
  s.output(s.node("Add", {w, s.weight({1})}));
  PassRunner r(s.done());
  run_and_compare(r, "decompose-gemm");
  CHECK(count_of(r, "Add") == 1);
}

}  // namespace
}  // namespace halftone::test
