// Types of operators, nesting, domains, alternatives, any operator, outputs.
#include <doctest/doctest.h>

#include "tests/unit/pattern/found.h"

namespace halftone::pattern::test {
namespace {

using model::test::GraphMaker;

TEST_CASE("operators nest, and a definition stands for an operator in several places") {
  GraphMaker g;
  g.node("Conv", {"x", "w"}, {"t"}, "conv");
  g.node("Sigmoid", {"t"}, {"s"}, "sigmoid");
  g.node("Mul", {"t", "s"}, {"y"}, "mul");
  g.output("y");
  CHECK(found(g.model, "y = Mul(t, Sigmoid(t)) where t = Conv(_, w)") == "mul sigmoid conv");
  CHECK(found(g.model, "y = Mul(Conv(*), Sigmoid(_))") == "");  // Sigmoid reads what the first input is
  CHECK(found(g.model, "Sigmoid(Conv(_, _))") == "");           // Mul reads it too
  CHECK(found(g.model, "y = Mul(t, s) where s = Sigmoid(t), t = Conv(_, _)") == "mul sigmoid conv");
  CHECK(found(g.model, "y = Mul(t, s) where t = Conv(_, _) and s = Sigmoid(t)") == "mul conv sigmoid");
  CHECK(found(g.model, "y = Mul(t, Tanh(t)) where t = Conv(_, w)") == "");
  CHECK(found(g.model, "y = Mul(t, Sigmoid(t)) where t = Gemm(_, w)") == "");
}

TEST_CASE("alternatives") {
  GraphMaker g;
  g.node("Conv", {"x", "w"}, {"a"}, "conv");
  g.node("Relu", {"a"}, {"b"}, "relu");
  g.node("Gemm", {"b", "v"}, {"c"}, "gemm");
  g.node("Tanh", {"c"}, {"d"}, "tanh");
  g.node("MatMul", {"d", "u"}, {"e"}, "matmul");
  g.node("Relu", {"e"}, {"f"}, "relu2");
  g.output("f");
  CHECK(found(g.model, "y = {Relu|Tanh}({Conv|Gemm}(*))") == "relu conv, tanh gemm");
  CHECK(found(g.model, "y = {Relu|Clip|PRelu}({Conv|Gemm}(*))") == "relu conv");
  CHECK(found(g.model, "y = {Relu}(MatMul(*))") == "relu2 matmul");
  CHECK(found(g.model, "y = {Elu|Clip}({Conv|Gemm}(*))") == "");
}

TEST_CASE("an underscore before parentheses is any operator") {
  GraphMaker g;
  g.node("Conv", {"x", "w"}, {"a"}, "conv");
  g.node("Relu", {"a"}, {"b"}, "relu");
  g.node("Relu", {"b"}, {"c"}, "relu2");
  g.output("c");
  CHECK(found(g.model, "Relu(_(*))") == "relu conv");
  CHECK(found(g.model, "_(Conv(*))") == "relu conv");
  CHECK(found(g.model, "_(_, _)") == "conv");
  CHECK(found(g.model, "_(_, _, _)") == "");
}

TEST_CASE("operators of other domains have their domain before them") {
  GraphMaker g;
  model::Model &m = g.model;
  m.set_op_type(g.node("Gelu", {"x"}, {"a"}, "foreign"), "Gelu", "com.vendor-x.ops");
  g.node("Relu", {"a"}, {"b"}, "relu");
  m.set_op_type(g.node("Add", {"b", "c"}, {"d"}, "foreign_add"), "Add", "com.vendor");
  g.output("d");
  CHECK(found(m, "y = Relu(com.vendor-x.ops.Gelu(x))") == "relu foreign");
  CHECK(found(m, "y = ai.onnx.Relu(_)") == "relu");
  CHECK(found(m, "y = {Relu|com.vendor.Add}(_, *)") == "relu, foreign_add");
  CHECK(found(m, "y = Relu(com.vendor.Gelu(x))") == "");
  CHECK(found(m, "com.vendor.Relu(x)") == "");
  CHECK(found(m, "Add(_, _)") == "");
  CHECK(found(m, "y = com.vendor.Add(c, Relu(_))") == "");  // only ONNX's own Add takes any order
}

TEST_CASE("further outputs have names before an equals sign") {
  GraphMaker g;
  g.node("Split", {"x"}, {"a", "b"}, "split");
  g.node("Sigmoid", {"b"}, {"s"}, "sigmoid");
  g.node("Mul", {"a", "s"}, {"y"}, "mul");
  g.output("y");
  CHECK(found(g.model, "y = Mul(a, Sigmoid(b)) where a, b = Split(x, *)") == "mul sigmoid split");
  CHECK(found(g.model, "y = Mul(a, Sigmoid(b)) where b, a = Split(x, *)") == "");
  CHECK(found(g.model, "y = Sigmoid(b) where _, b = Split(x)") == "");  // the other output is read elsewhere
  CHECK(found(g.model, "a, b = Split(x)") == "split");
  CHECK(found(g.model, "a, b, c = Split(x)") == "");
}

TEST_CASE("every operation has a node of its own") {
  GraphMaker g;
  g.node("Relu", {"x"}, {"a"}, "relu");
  g.node("Add", {"a", "a"}, {"y"}, "add");
  g.output("y");
  CHECK(found(g.model, "Add(Relu(_), Relu(_))") == "");
  CHECK(found(g.model, "Add(t, t) where t = Relu(x)") == "add relu");
  CHECK(found(g.model, "Add(Relu(_), _)") == "");  // _ stands for a value from outside
}

}  // namespace
}  // namespace halftone::pattern::test
