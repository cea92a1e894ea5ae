// Several patterns, overlaps, order, size.
#include <doctest/doctest.h>

#include "tests/unit/base/expect_error.h"
#include "tests/unit/pattern/found.h"

namespace halftone::pattern::test {
namespace {

using model::test::GraphMaker;

std::string numbered(const char *name, std::size_t number) {
  return fmt::format("{}{}", name, number);
}

GraphMaker chain(std::size_t count) {
  GraphMaker g;
  g.input("v0", {1});
  for (std::size_t i = 0; i < count; ++i) {
    g.node(i % 2 == 0 ? "Relu" : "Sigmoid", {numbered("v", i)}, {numbered("v", i + 1)}, numbered("n", i));
  }
  g.output(numbered("v", count));
  return g;
}

TEST_CASE("the longest pattern goes first whatever the order") {
  GraphMaker g;
  g.node("Conv", {"x", "w"}, {"a"}, "conv");
  g.node("Add", {"a", "z"}, {"b"}, "add");
  g.node("Relu", {"b"}, {"c"}, "relu");
  g.node("Conv", {"c", "w"}, {"d"}, "conv2");
  g.node("Relu", {"d"}, {"y"}, "relu2");
  g.output("y");
  CHECK(found_of(g.model, {"Relu(Add(_, _))", "Relu(Add(Conv(*), _))", "Relu(Conv(*))"}) ==
        "1: relu add conv, 2: relu2 conv2");
  CHECK(found_of(g.model, {"Relu(Conv(*))", "Relu(Add(Conv(*), _))", "Conv(*)"}) == "1: relu add conv, 0: relu2 conv2");
}

TEST_CASE("of patterns of one length the first goes first") {
  GraphMaker g;
  g.node("Conv", {"x", "w"}, {"a"}, "conv");
  g.node("Relu", {"a"}, {"y"}, "relu");
  g.output("y");
  CHECK(found_of(g.model, {"{Relu|Clip}(Conv(*))", "Relu({Conv|Gemm}(*))"}) == "0: relu conv");
  CHECK(found_of(g.model, {"Relu({Conv|Gemm}(*))", "{Relu|Clip}(Conv(*))"}) == "0: relu conv");
}

TEST_CASE("a node belongs to one occurrence") {
  GraphMaker g;
  for (std::size_t i = 0; i < 5; ++i) {
    g.node("Relu", {numbered("v", i)}, {numbered("v", i + 1)}, numbered("n", i));
  }
  g.output("v5");
  CHECK(found(g.model, "Relu(Relu(x))") == "n1 n0, n3 n2");
}

TEST_CASE("another way is found when one needs a node that is taken") {
  GraphMaker g;
  g.node("Relu", {"x"}, {"a"}, "relu");
  g.node("Tanh", {"a"}, {"b"}, "tanh");
  g.node("Relu", {"z"}, {"c"}, "relu2");
  g.node("Max", {"b", "c"}, {"y"}, "max");
  g.output("y");
  CHECK(found_of(g.model, {"Max({Tanh|Relu}(_), _)", "Tanh(Relu(_))"}) == "0: max tanh");
  CHECK(found_of(g.model, {"Max({Tanh|Relu}(_), _)", "Tanh(Relu(_)) ", "Tanh(Relu(_)) # the same"}) == "0: max tanh");
  CHECK(found_of(g.model, {"Tanh(Relu(_))", "Max({Tanh|Relu}(_), _)"}) == "0: tanh relu, 1: max relu2");
}

TEST_CASE("occurrences come in topological order, whatever the order of nodes in the file") {
  GraphMaker g;
  g.node("Relu", {"b"}, {"y"}, "late");
  g.node("Sigmoid", {"a"}, {"b"}, "middle");
  g.node("Relu", {"x"}, {"a"}, "early");
  g.output("y");
  CHECK(found(g.model, "Relu(_)") == "early, late");
  CHECK(found_of(g.model, {"Sigmoid(_)", "Relu(_)"}) == "1: early, 0: middle, 1: late");
}

TEST_CASE("no patterns, no nodes") {
  GraphMaker g;
  CHECK(found(g.model, "Relu(x)") == "");
  CHECK(find(chain(4).model, {}).empty());
}

TEST_CASE("a chain of 10000 nodes") {
  const GraphMaker g = chain(10000);
  const auto count = [&](std::string_view text) {
    const std::vector<Pattern> patterns = {parse(text)};
    return find(g.model, patterns).size();
  };
  CHECK(count("Sigmoid(Relu(x))") == 5000);
  CHECK(count("Relu(Sigmoid(x))") == 4999);
  CHECK(count("Sigmoid(Relu(Sigmoid(Relu(x))))") == 2500);
  CHECK(count("_(_(_))") == 5000);
  CHECK(count("Relu(Relu(x))") == 0);
  CHECK(count("Relu(x)") == 5000);
}

TEST_CASE("a long chain of sums: every node fits every operation") {
  GraphMaker g;
  for (std::size_t i = 0; i < 2000; ++i) {
    g.node("Add", {numbered("v", i), numbered("c", i)}, {numbered("v", i + 1)});
  }
  g.output("v2000");
  const std::vector<Pattern> patterns = {parse("Add(Add(Add(Add(_, a), b), c), d)")};
  CHECK(find(g.model, patterns).size() == 500);
}

model::Tensor five() {
  return model::Tensor::from_floats({1}, std::vector<float>{5});
}

// A Sum of many inputs, x0, x1 and so on, the first of which are constants.
GraphMaker wide(std::size_t count, std::size_t constants) {
  GraphMaker g;
  for (std::size_t i = 0; i < constants; ++i) g.constant(numbered("x", i), five());
  std::vector<std::string> inputs;
  for (std::size_t i = 0; i < count; ++i) inputs.push_back(numbered("x", i));
  g.node("Sum", inputs, {"y"}, "wide");
  g.output("y");
  return g;
}

std::string names_from(std::size_t begin, std::size_t end) {
  std::string text;
  for (std::size_t i = begin; i < end; ++i) text += (i == begin ? "" : ", ") + numbered("t", i);
  return text;
}

TEST_CASE("inputs that could change places are not tried in every order") {
  const GraphMaker g = wide(13, 0);
  CHECK(found(g.model, "Sum(" + names_from(0, 12) + ", 5)") == "");
  CHECK(found(g.model, "Sum(" + names_from(0, 8) + ", 5, *)") == "");
  CHECK(found(g.model, "Sum(" + names_from(0, 8) + ", 5, ...)") == "");
  CHECK(found(g.model, "Sum(_, _?, _, _?, _, _, _, _?, _, _, _, _, 5)") == "");
  CHECK(bound(wide(13, 1).model, "Sum(" + names_from(0, 3) + ", 5, *)") == "t0=x1 t1=x2 t2=x3");
}

TEST_CASE("equal numbers are not tried in every order") {
  const GraphMaker g = wide(14, 12);
  CHECK(found(g.model, "Sum(5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, a, b)") == "wide");
  CHECK(found(g.model, "Sum(5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6, b)") == "");
  CHECK(found(g.model, "Sum(5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, b)") == "");
}

TEST_CASE("each of many operators with a free order is settled alone") {
  for (const bool with_constant : {false, true}) {
    GraphMaker g;
    if (with_constant) g.constant("a23", five());
    std::vector<std::string> inputs;
    std::string text = "Concat(";
    for (std::size_t i = 0; i < 24; ++i) {
      g.node("Mul", {numbered("a", i), numbered("b", i)}, {numbered("m", i)});
      inputs.push_back(numbered("m", i));
      text += i < 23 ? "Mul(_, " + numbered("t", i) + "), " : "Mul(_, 5), ";
    }
    inputs.push_back("z");
    g.node("Concat", inputs, {"y"}, "concat");
    g.output("y");
    CHECK(found(g.model, text + "_)").starts_with("concat") == with_constant);
  }
}

TEST_CASE("names in too many orders are refused, not tried for ever") {
  GraphMaker g;
  std::vector<std::string> left, right;
  for (std::size_t i = 0; i < 12; ++i) {
    left.push_back(numbered("x", i));
    right.push_back(numbered("x", i));
  }
  right.back() = "z";
  g.node("Sum", left, {"l"}, "left");
  g.node("Max", right, {"r"}, "right");
  g.node("Sub", {"l", "r"}, {"y"}, "sub");
  g.output("y");
  const std::string names = names_from(0, 12);
  halftone::test::expect_error(Status::kResourceExhausted, {"Sub(Sum(t0", "'sub'", "too many ways", "name more"},
                               [&] { (void)found(g.model, "Sub(Sum(" + names + "), Max(" + names + "))"); });
  CHECK(found(g.model, "Sub(Sum(" + names + "), Max(" + names_from(0, 11) + ", s))") == "sub left right");
}

TEST_CASE("what can be laid over a model in too many ways is refused, not tried for ever") {
  GraphMaker g;
  std::vector<std::string> inputs;
  for (std::size_t i = 0; i < 14; ++i) {
    g.node("Relu", {numbered("x", i)}, {numbered("r", i)});
    inputs.push_back(numbered("r", i));
  }
  g.node("Sum", inputs, {"y"}, "sum");
  g.output("y");
  std::string text = "Sum(Relu(a)";
  for (std::size_t i = 1; i < 13; ++i) text += ", Relu(_)";
  CHECK(find(g.model, std::vector<Pattern>{parse(text + ", Relu(_))")}).size() == 1);
  halftone::test::expect_error(Status::kResourceExhausted, {"Sum(Relu(a)", "'sum'", "too many ways", "name more"},
                               [&] { find(g.model, std::vector<Pattern>{parse(text + ", Relu(a))")}); });
}

}  // namespace
}  // namespace halftone::pattern::test
