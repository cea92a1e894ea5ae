// Nodes put in and taken out by halftone/rewire.hpp, as a pass does it.
#include <doctest/doctest.h>

#include "halftone/rewire.hpp"
#include "tests/unit/passes/sdk_bench.h"

namespace halftone::test {
namespace {

using model::test::GraphMaker;

// x -> Relu -> t -> Add(t, t) -> y and Neg -> z; t is an output too.
GraphMaker three_readers() {
  GraphMaker g;
  g.input("x", {2});
  g.node("Relu", {"x"}, {"t"}, "relu");
  g.node("Add", {"t", "t"}, {"y"}, "add");
  g.node("Neg", {"t"}, {"z"}, "neg");
  for (const char *name : {"t", "y", "z"}) g.output(name);
  return g;
}

TEST_CASE("insert_on_value: all readers, a value twice in one node, and an output that keeps its name") {
  Bench b(three_readers());
  const model::Handle node = b.rewire.insert_on_value(b.value("t"), {"Abs", "abs"});
  CHECK(b.ops() == "Relu Abs Add Neg");
  CHECK(b.working.model.value(b.working.model.node(node).outputs[0]).name == "t");
  CHECK(b.reads("add", 0) == "t");
  CHECK(b.reads("add", 1) == "t");
  CHECK(b.reads("neg") == "t");
  CHECK(b.reads("abs") == "t_1");
  const auto &outputs = b.working.model.graph(b.working.model.main_graph()).outputs;
  CHECK(b.working.model.value(outputs[0]).name == "t");
}

TEST_CASE("insert_on_value: further inputs, and a graph input") {
  GraphMaker g = three_readers();
  g.constant("slope", model::Tensor::from_floats({1}, std::vector<float>{0.5F}));
  Bench b(std::move(g));
  const model::Handle slope = b.value("slope");
  b.rewire.insert_on_value(b.value("x"), {"PRelu", "prelu", {}, {&slope, 1}});
  CHECK(b.ops() == "PRelu Relu Add Neg");
  CHECK(b.reads("prelu", 0) == "x");
  CHECK(b.reads("prelu", 1) == "slope");
}

TEST_CASE("insert_on_value refuses a graph input that is an output as well") {
  GraphMaker g = three_readers();
  g.output("x");
  Bench b(std::move(g));
  CHECK_THROWS_AS(b.rewire.insert_on_value(b.value("x"), {"Abs", "abs"}), sdk::Failure);
  CHECK(b.ops() == "Relu Add Neg");
}

TEST_CASE("insert_before: one slot only") {
  Bench b(three_readers());
  b.rewire.insert_before(b.node("add"), 1, {"Abs", "abs"});
  CHECK(b.ops() == "Relu Abs Add Neg");
  CHECK(b.reads("add", 0) == "t");
  CHECK(b.reads("add", 1) != "t");
  CHECK(b.reads("neg") == "t");
  CHECK_THROWS_AS(b.rewire.insert_before(b.node("add"), 2, {"Abs", "abs"}), sdk::Failure);
}

TEST_CASE("remove_keeping_links: outputs keep names, and what joins input and output stays") {
  GraphMaker g = three_readers();
  g.node("Identity", {"x"}, {"copy"}, "join");
  g.output("copy");
  Bench b(std::move(g));
  CHECK(b.rewire.remove_keeping_links(b.node("neg")) == false);  // t is an output already
  CHECK(b.rewire.remove_keeping_links(b.node("join")) == false);
  CHECK(b.rewire.remove_keeping_links(b.node("relu")) == false);  // an output that would be the input
  const model::Handle abs = b.rewire.insert_on_value(b.value("y"), {"Abs", "abs"});
  CHECK(b.rewire.remove_keeping_links(abs));
  CHECK(b.ops().find("Abs") == std::string::npos);
  CHECK(b.working.model.value(b.working.model.node(b.node("add")).outputs[0]).name == "y");
}

TEST_CASE("readers in subgraphs follow, and only they when asked") {
  GraphMaker g;
  g.input("x", {2});
  g.node("Relu", {"x"}, {"t"}, "relu");
  const model::Handle loop = g.node("If", {"x"}, {"y"}, "if");
  g.output("y");
  const model::Handle body = g.model.add_graph("body", loop);
  g.model.set_attribute(loop, "then_branch", {body});
  const model::Handle inner = g.model.add_value(body, "inner");
  const model::Handle captured = g.at("t");
  const model::Handle neg = g.model.add_node(body, "Neg", "", "neg", {&captured, 1}, {&inner, 1});
  g.model.mark_output(inner);
  Bench b(std::move(g));
  b.rewire.insert_on_value(captured, {"Abs", "abs"});
  CHECK(b.reads("abs") == "t");
  CHECK(b.working.model.value(b.working.model.node(neg).inputs[0]).producer == b.node("abs"));
  const model::Handle in_body = b.rewire.insert_before(neg, 0, {"Exp", "exp"});
  CHECK(b.working.model.node(in_body).graph == body);
  CHECK(b.rewire.remove_keeping_links(b.node("abs")));
  CHECK(b.working.model.value(b.working.model.node(in_body).inputs[0]).name == "t");
}

}  // namespace
}  // namespace halftone::test
