#include <doctest/doctest.h>

#include "core/model/model.h"
#include "tests/unit/base/expect_error.h"
#include "tests/unit/model/graph_maker.h"

namespace halftone::model {
using halftone::test::expect_error;
using test::GraphMaker;
using test::ops_in_order;

TEST_CASE("an order that is right stays, an inserted node runs just before its reader") {
  GraphMaker m;
  m.input("x", {1});
  m.node("A", {"x"}, {"a"});
  m.node("B", {"x"}, {"b"});
  const Handle c = m.node("C", {"a"}, {"c"});
  m.node("D", {"b", "c"}, {"d"});
  CHECK(ops_in_order(m.model) == "A B C D");
  m.node("New", {"a"}, {"n"});
  m.model.set_input(c, 0, m.at("n"));
  CHECK(ops_in_order(m.model) == "A B New C D");
}

TEST_CASE("nodes given in the wrong order are sorted") {
  GraphMaker m;
  m.input("x", {1});
  m.node("C", {"b"}, {"c"});
  m.node("B", {"a"}, {"b"});
  m.node("A", {"x"}, {"a"});
  CHECK(ops_in_order(m.model) == "A B C");
}

TEST_CASE("a cycle is named") {
  GraphMaker m;
  m.node("A", {"b"}, {"a"}, "first");
  m.node("B", {"a"}, {"b"}, "second");
  expect_error(Status::kFailedPrecondition, {"cycle", "'first'"}, [&] { m.model.topological_order(m.graph); });
}

TEST_CASE("what a subgraph captures runs before its owner") {
  GraphMaker m;
  m.input("c", {});
  m.input("x", {2});
  const Handle branch = m.node("If", {"c"}, {"y"});
  m.node("A", {"x"}, {"a"});
  const Handle inner = m.model.add_graph("then", branch);
  m.model.set_attribute(branch, "then_branch", {inner});
  const Handle loop = m.model.add_node(inner, "Loop", "", "loop", {}, {});
  const Handle body = m.model.add_graph("body", loop);
  m.model.set_attribute(loop, "body", {body});
  const Handle a = m.at("a"), t = m.model.add_value(body, "t");
  m.model.add_node(body, "Relu", "", "deep", {&a, 1}, {&t, 1});
  CHECK(ops_in_order(m.model) == "A If");
  CHECK(m.model.captured_values(branch) == std::vector<Handle>{a});
  CHECK(m.model.captured_values(loop) == std::vector<Handle>{a});
  CHECK(m.model.graphs() == std::vector<Handle>{m.graph, inner, body});
}

TEST_CASE("a chain of many nodes is ordered without deep recursion") {
  GraphMaker m;
  m.input("v0", {1});
  for (int i = 200000; i > 0; --i)
    m.node("Relu", {fmt::format("v{}", i - 1)}, {fmt::format("v{}", i)}, fmt::format("n{}", i));
  CHECK(m.model.node(m.model.topological_order(m.graph).front()).name == "n1");
}

}  // namespace halftone::model
