// What stands in the place of inputs: any order, optional ones, `*`, `...`, numbers.
#include <doctest/doctest.h>

#include "tests/unit/pattern/found.h"

namespace halftone::pattern::test {
namespace {

using model::Attribute;
using model::Tensor;
using model::test::GraphMaker;

Tensor floats(std::vector<float> values) {
  return Tensor::from_floats({static_cast<std::int64_t>(values.size())}, values);
}

TEST_CASE("commutative operators take their inputs in either order, others do not") {
  for (const char *type : {"Add", "Mul", "Sub", "Div"}) {
    GraphMaker g;
    g.node("Relu", {"x"}, {"a"}, "relu");
    g.node(type, {"z", "a"}, {"y"}, "op");
    g.output("y");
    const std::string name = type;
    const bool either = name == "Add" || name == "Mul";
    CHECK(found(g.model, name + "(Relu(x), z)") == (either ? "op relu" : ""));
    CHECK(found(g.model, name + "(z, Relu(x))") == "op relu");
    CHECK(bound(g.model, "{Add|Mul|Sub|Div}(z, Relu(x))") == "z=z x=x");
  }
}

TEST_CASE("an order that suits one input is given up when another does not fit") {
  GraphMaker g;
  g.constant("two", floats({2}));
  g.node("Max", {"p", "two", "q"}, {"y"}, "max");
  g.node("Min", {"p", "two", "q"}, {"z"}, "min");
  g.node("Add", {"y", "z"}, {"s"}, "add");
  g.output("s");
  CHECK(bound(g.model, "Max(a, b, 2)") == "a=p b=q");
  CHECK(found(g.model, "Max(2, 2, b)") == "");
  CHECK(found(g.model, "Add(Min(a, b, c), Max(b, 2, a))") == "add min max");
  CHECK(found(g.model, "Add(Min(a, b, c), Max(b, 2, d))") == "add min max");
  CHECK(found(g.model, "Add(Min(2, a, b), Max(a, a, b))") == "");
}

TEST_CASE("symmetric ways of one occurrence count once") {
  GraphMaker g;
  g.node("Relu", {"x"}, {"a"}, "left");
  g.node("Relu", {"z"}, {"b"}, "right");
  g.node("Add", {"a", "b"}, {"y"}, "add");
  g.output("y");
  CHECK(found(g.model, "Add(Relu(_), Relu(_))") == "add left right");
  CHECK(found(g.model, "Add(Relu(_), _)") == "add left");
}

TEST_CASE("without a question mark or a star the number of inputs must be right") {
  GraphMaker g;
  g.node("Conv", {"x", "w"}, {"a"}, "plain");
  g.node("Conv", {"a", "w", "b"}, {"c"}, "biased");
  g.node("Conv", {"c", "w", ""}, {"y"}, "empty_slot");
  g.output("y");
  CHECK(found(g.model, "Conv(_, w)") == "plain, empty_slot");
  CHECK(found(g.model, "Conv(_, w, b)") == "biased");
  CHECK(found(g.model, "Conv(_, w, b?)") == "plain, biased, empty_slot");
  CHECK(found(g.model, "Conv(_, _, _?)") == "plain, biased, empty_slot");
  CHECK(found(g.model, "Conv(_, *)") == "plain, biased, empty_slot");
  CHECK(found(g.model, "Conv(*)") == "plain, biased, empty_slot");
  CHECK(found(g.model, "Conv(_)") == "");
  CHECK(found(g.model, "Conv(_, _, _, _)") == "");
  CHECK(bound(g.model, "Conv(x, w, b?)") == "x=x w=w b=");
  CHECK(bound(g.model, "Relu(x)") == "none");
}

TEST_CASE("an optional slot before others") {
  GraphMaker g;
  g.constant("six", floats({6}));
  g.node("Clip", {"x", "", "six"}, {"a"}, "upper");
  g.node("Clip", {"a", "low", "six"}, {"y"}, "both");
  g.output("y");
  CHECK(found(g.model, "Clip(x, low?, 6)") == "upper, both");
  CHECK(found(g.model, "Clip(x, low, 6)") == "both");
  CHECK(found(g.model, "Clip(x, 0?, 6)") == "upper");
}

TEST_CASE("a star takes whatever remains") {
  GraphMaker g;
  g.node("Relu", {"x"}, {"a"}, "relu");
  g.node("Concat", {"a", "p", "q"}, {"y"}, "concat");
  g.node("Concat", {"y"}, {"z"}, "single");
  g.output("z");
  CHECK(found(g.model, "Concat(Relu(*), *)") == "concat relu");
  CHECK(found(g.model, "Concat(_, Relu(*), *)") == "");
  CHECK(found(g.model, "Concat(_, *)") == "concat, single");
  CHECK(found(g.model, "Concat(_, _, _, _, *)") == "");
}

TEST_CASE("dots repeat the input before them") {
  GraphMaker g;
  g.node("Concat", {"p", "q", "r"}, {"a"}, "three");
  g.node("Concat", {"a", "s"}, {"b"}, "two");
  g.node("Concat", {"b"}, {"c"}, "one");
  g.output("c");
  CHECK(found(g.model, "y = Concat(t1, t2, ...)") == "three, two");
  CHECK(found(g.model, "y = Concat(t, ...)") == "three, two, one");
  CHECK(found(g.model, "y = Concat(t1, t2, t3, ...)") == "three");
  CHECK(bound(g.model, "y = Concat(t1, t2, ...)") == "y=a t1=p t2=q,r");
  CHECK(bound(g.model, "y = Concat(t, ...)") == "y=a t=p,q,r");
  CHECK(found(g.model, "Concat(_, ...)") == "three, two, one");
}

TEST_CASE("dots after a number: all that remain equal it") {
  GraphMaker g;
  g.constant("zero", floats({0, 0}));
  g.constant("one", floats({1, 1}));
  g.node("Concat", {"x", "zero", "zero"}, {"a"}, "padded");
  g.node("Concat", {"a", "zero", "one"}, {"y"}, "mixed");
  g.output("y");
  CHECK(found(g.model, "Concat(_, 0, ...)") == "padded");
}

TEST_CASE("a number is a constant that equals it in every entry") {
  GraphMaker g;
  g.constant("zero", floats({0}));
  g.constant("almost_zero", floats({1e-7F}));
  g.constant("six", Tensor::from_floats({}, std::vector<float>{6}));
  g.constant("sixes", floats({6, 6, 6}));
  g.constant("mixed", floats({6, 7}));
  g.constant("nothing", floats({}));
  g.node("Clip", {"x", "zero", "six"}, {"a"}, "relu6");
  g.node("Clip", {"a", "zero", "sixes"}, {"b"}, "relu6s");
  g.node("Clip", {"b", "zero", "mixed"}, {"c"}, "no1");
  g.node("Clip", {"c", "almost_zero", "six"}, {"d"}, "no2");
  g.node("Clip", {"d", "zero", "computed"}, {"e"}, "no3");
  g.node("Clip", {"e", "zero"}, {"f"}, "no4");
  g.node("Clip", {"f", "zero", "nothing"}, {"y"}, "no5");
  g.output("y");
  CHECK(found(g.model, "y = Clip(t, 0, 6)") == "relu6, relu6s");
  CHECK(found(g.model, "y = Clip(t, 0, 6.0)") == "relu6, relu6s");
  CHECK(found(g.model, "y = Clip(t, 0, 7)") == "");
  CHECK(found(g.model, "y = Clip(t, 1e-7, 6)") == "no2");
  CHECK(found(g.model, "y = Clip(t, -0.5, 6)") == "");
}

TEST_CASE("floats within a thousandth, integers exactly") {
  GraphMaker g;
  g.constant("root", floats({0.7978845608F}));
  g.constant("k", Tensor::from_ints({1}, std::vector<std::int64_t>{1001}));
  g.node("Mul", {"root", "x"}, {"a"}, "mul");
  g.node("Reshape", {"a", "k"}, {"y"}, "reshape");
  g.output("y");
  CHECK(found(g.model, "Mul(x, 0.79788)") == "mul");
  CHECK(found(g.model, "Mul(x, 0.7979)") == "mul");
  CHECK(found(g.model, "Mul(x, 0.80)") == "");
  CHECK(found(g.model, "Reshape(_, 1001)") == "reshape");
  CHECK(found(g.model, "Reshape(_, 1000)") == "");
}

TEST_CASE("a Constant node is a constant too, and no part of the occurrence") {
  GraphMaker g;
  const model::Handle tensor = g.node("Constant", {}, {"three"}, "c1");
  g.model.set_attribute(tensor, "value", Attribute{floats({3})});
  const model::Handle number = g.node("Constant", {}, {"six"}, "c2");
  g.model.set_attribute(number, "value_float", Attribute{6.0F});
  g.node("Add", {"x", "three"}, {"a"}, "add");
  g.node("Clip", {"a", "", "six"}, {"b"}, "clip");
  g.node("Add", {"six", "b"}, {"y"}, "add2");
  g.output("y");
  CHECK(found(g.model, "Clip(Add(x, 3), _?, 6)") == "clip add");
  CHECK(found(g.model, "Add(x, 6)") == "add2");
  CHECK(found(g.model, "Add(x, Constant())") == "add c1");
}

TEST_CASE("numbers of half precision, and no number in a text or NaN") {
  GraphMaker g;
  const std::vector<std::byte> six = {std::byte{0x00}, std::byte{0x46}};
  g.constant("half", Tensor(HT_F16, {1}, six));
  g.constant("nan", floats({6, std::numeric_limits<float>::quiet_NaN()}));
  g.node("Add", {"x", "half"}, {"a"}, "add");
  g.node("Add", {"a", "nan"}, {"y"}, "add2");
  g.output("y");
  CHECK(found(g.model, "Add(_, 6)") == "add");
}

}  // namespace
}  // namespace halftone::pattern::test
