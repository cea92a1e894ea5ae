#include <doctest/doctest.h>

#include "core/pattern/pattern.h"

namespace halftone::pattern {
namespace {

TEST_CASE("operations come in the order of the text, the root first") {
  const Pattern p = parse("y = Mul(t, Tanh(Softplus(t))) where t = Conv(_, w, b?)");
  REQUIRE(p.operations.size() == 4);
  const char *types[] = {"Mul", "Tanh", "Softplus", "Conv"};
  for (std::size_t i = 0; i < 4; ++i) CHECK(p.operations[i].types[0].type == types[i]);
  CHECK(p.names == std::vector<std::string>{"y", "t", "w", "b"});
  CHECK(p.operations[0].inputs[0].kind == Term::Kind::kOperation);
  CHECK(p.operations[0].inputs[0].index == 3);
  CHECK(p.operations[3].inputs[2].optional);
  CHECK(p.operations[3].outputs == std::vector<std::size_t>{1});
}

TEST_CASE("space, line ends and comments separate") {
  const Pattern p = parse(
      "# swish\n"
      "y = Mul(t,  # the value itself\r\n"
      "\tSigmoid(t))where t=Conv(_,w)\n# end");
  CHECK(p.operations.size() == 3);
  CHECK(parse("y=Clip(t,0,+6.5e0)").operations[0].inputs[2].number == 6.5);
  CHECK(parse("Add(x, -.5)").operations[0].inputs[1].number == -0.5);
}

TEST_CASE("domains") {
  const Pattern p = parse("{ai.onnx.Relu|com.vendor.Relu | ai.onnx.ml.Scaler}(x)");
  const std::vector<OperatorType> &types = p.operations[0].types;
  CHECK(types[0].domain == "");
  CHECK(types[1].domain == "com.vendor");
  CHECK(types[1].type == "Relu");
  CHECK(types[2].domain == "ai.onnx.ml");
}

TEST_CASE("rests of inputs") {
  CHECK(parse("Conv(*)").operations[0].rest == Rest::kAny);
  CHECK(parse("Conv(x, *)").operations[0].inputs.size() == 1);
  CHECK(parse("Concat(t1, t2, ...)").operations[0].rest == Rest::kRepeat);
  CHECK(parse("Constant()").operations[0].inputs.empty());
}

TEST_CASE("which operators take their inputs in any order") {
  for (const char *type : {"Add", "Mul", "Max", "Min", "Sum", "Mean", "And", "Or", "Xor", "Equal"}) {
    CHECK(is_commutative("", type));
    CHECK_FALSE(is_commutative("com.vendor", type));
  }
  for (const char *type : {"Sub", "Div", "Pow", "MatMul", "Concat", "Greater"}) CHECK_FALSE(is_commutative("", type));
}

}  // namespace
}  // namespace halftone::pattern
