// Names stand for one value each.
#include <doctest/doctest.h>

#include "tests/unit/pattern/found.h"

namespace halftone::pattern::test {
namespace {

using model::test::GraphMaker;

TEST_CASE("the same name is the same value") {
  GraphMaker g;
  g.node("Sigmoid", {"x"}, {"a"}, "sigmoid");
  g.node("Mul", {"a", "x"}, {"b"}, "swish");
  g.node("Sigmoid", {"b"}, {"c"}, "sigmoid2");
  g.node("Mul", {"x", "c"}, {"y"}, "gate");
  g.output("y");
  CHECK(found(g.model, "y = Mul(t, Sigmoid(t))") == "swish sigmoid");
  CHECK(found(g.model, "y = Mul(t, Sigmoid(u))") == "swish sigmoid, gate sigmoid2");
  CHECK(found(g.model, "y = Mul(_, Sigmoid(_))") == "swish sigmoid, gate sigmoid2");
  CHECK(bound(g.model, "y = Mul(t, Sigmoid(t))") == "y=b t=x");
}

TEST_CASE("different names may be the same value") {
  GraphMaker g;
  g.node("Mul", {"x", "x"}, {"y"}, "square");
  g.output("y");
  CHECK(found(g.model, "Mul(a, b)") == "square");
  CHECK(found(g.model, "Mul(a, a)") == "square");
}

TEST_CASE("a name does not stand for an empty slot") {
  GraphMaker g;
  g.node("Clip", {"x", "", "high"}, {"y"}, "clip");
  g.output("y");
  CHECK(found(g.model, "Clip(x, low, high)") == "");
  CHECK(found(g.model, "Clip(x, _, _)") == "");
  CHECK(found(g.model, "Clip(x, _?, _)") == "clip");
}

TEST_CASE("outputs, inner values and inputs can all be asked for") {
  GraphMaker g;
  g.node("Conv", {"x", "w"}, {"a"}, "conv");
  g.node("Sigmoid", {"a"}, {"s"}, "sigmoid");
  g.node("Mul", {"s", "a"}, {"y"}, "mul");
  g.output("y");
  const std::string_view swish = "y = Mul(t, Sigmoid(t)) where t = Conv(in, w, b?)";
  CHECK(bound(g.model, swish) == "y=y t=a in=x w=w b=");
  CHECK(inner(g.model, swish) == "s,a");
  CHECK(inner(g.model, "Conv(*)") == "");
}

TEST_CASE("a value of a name may be a constant, an input or computed") {
  GraphMaker g;
  g.input("x", {1});
  g.constant("c", model::Tensor::from_floats({1}, std::vector<float>{1}));
  g.node("Relu", {"x"}, {"r"}, "relu");
  g.node("Relu", {"c"}, {"s"}, "relu2");
  g.node("Sub", {"r", "s"}, {"y"}, "sub");
  g.output("y");
  CHECK(found(g.model, "Relu(v)") == "relu, relu2");
  CHECK(bound(g.model, "Sub(p, q)") == "p=r q=s");
}

}  // namespace
}  // namespace halftone::pattern::test
