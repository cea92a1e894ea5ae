// Inner values belong to the occurrence alone.
#include <doctest/doctest.h>

#include "tests/unit/pattern/found.h"

namespace halftone::pattern::test {
namespace {

using model::test::GraphMaker;

TEST_CASE("an inner value that something else reads, or that is an output, stays where it is") {
  GraphMaker g;
  g.node("Conv", {"x", "w"}, {"a"}, "conv");
  g.node("Relu", {"a"}, {"b"}, "relu");
  g.node("Conv", {"b", "w"}, {"c"}, "conv2");
  g.node("Relu", {"c"}, {"d"}, "relu2");
  g.node("Tanh", {"c"}, {"e"}, "tanh");
  g.node("Conv", {"d", "w"}, {"f"}, "conv3");
  g.node("Relu", {"f"}, {"h"}, "relu3");
  for (const char *output : {"e", "f", "h"}) g.output(output);
  CHECK(found(g.model, "Relu(Conv(*))") == "relu conv");
}

TEST_CASE("what the root gives may be read by anyone, and so may inputs") {
  GraphMaker g;
  g.node("Conv", {"x", "w"}, {"a"}, "conv");
  g.node("Relu", {"a"}, {"b"}, "relu");
  g.node("Tanh", {"b"}, {"c"}, "tanh");
  g.node("Add", {"b", "x"}, {"d"}, "add");
  for (const char *output : {"b", "c", "d"}) g.output(output);
  CHECK(found(g.model, "Relu(Conv(x, w))") == "relu conv");
}

TEST_CASE("an output without a name counts as well") {
  GraphMaker g;
  g.node("Split", {"x"}, {"a", "b"}, "split");
  g.node("Relu", {"a"}, {"y"}, "relu");
  g.output("y");
  CHECK(found(g.model, "Relu(Split(x))") == "relu split");  // nobody reads b
  g.node("Tanh", {"b"}, {"z"}, "tanh");
  CHECK(found(g.model, "Relu(Split(x))") == "");
  CHECK(found(g.model, "Tanh(b) where _, b = Split(x)") == "");
}

TEST_CASE("a subgraph that reads an inner value is something else") {
  GraphMaker g;
  g.node("Conv", {"x", "w"}, {"a"}, "conv");
  g.node("Relu", {"a"}, {"b"}, "relu");
  const model::Handle branch = g.node("If", {"c"}, {"z"}, "if");
  const model::Handle body = g.model.add_graph("body", branch);
  const model::Handle out = g.model.add_value(body, "out");
  const std::vector<model::Handle> read = {g.at("a")}, made = {out};
  g.model.add_node(body, "Tanh", "", "inside", read, made);
  g.model.mark_output(out);
  g.model.set_attribute(branch, "then_branch", model::Attribute{body});
  g.output("b");
  g.output("z");
  CHECK(found(g.model, "Relu(Conv(*))") == "");
  CHECK(found(g.model, "Tanh(Conv(*))") == "");  // an occurrence lies in one graph
  CHECK(found(g.model, "Tanh(t)") == "inside");
}

TEST_CASE("subgraphs have occurrences of their own, after those of the main graph") {
  GraphMaker g;
  const model::Handle branch = g.node("If", {"c"}, {"z"}, "if");
  const model::Handle body = g.model.add_graph("body", branch);
  const model::Handle a = g.model.add_value(body, "a"), b = g.model.add_value(body, "b");
  const std::vector<model::Handle> x = {g.at("x")}, va = {a}, vb = {b};
  g.model.add_node(body, "Sigmoid", "", "sigmoid", x, va);
  g.model.add_node(body, "Relu", "", "relu", va, vb);
  g.model.mark_output(b);
  g.model.set_attribute(branch, "then_branch", model::Attribute{body});
  g.node("Sigmoid", {"z"}, {"s"}, "sigmoid2");
  g.node("Relu", {"s"}, {"y"}, "relu2");
  g.output("y");
  CHECK(found(g.model, "Relu(Sigmoid(x))") == "relu2 sigmoid2, relu sigmoid");
  const std::vector<Pattern> patterns = {parse("Relu(Sigmoid(x))")};
  CHECK(find(g.model, g.graph, patterns).size() == 1);
  CHECK(find(g.model, body, patterns).size() == 1);
}

}  // namespace
}  // namespace halftone::pattern::test
