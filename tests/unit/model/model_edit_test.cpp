#include <doctest/doctest.h>

#include "core/model/model.h"
#include "core/model/verify.h"
#include "tests/unit/base/expect_error.h"
#include "tests/unit/model/graph_maker.h"

namespace halftone::model {
namespace {

using halftone::test::expect_error;
using test::GraphMaker;

// x -> Relu -> h -> Sigmoid -> y
struct Chain : GraphMaker {
  Handle x = input("x", {1, 4}), relu = node("Relu", {"x"}, {"h"}, "relu"),
         sigmoid = node("Sigmoid", {"h"}, {"y"}, "sigmoid"), y = output("y"), h = at("h");
};

}  // namespace

TEST_CASE("producers and consumers stay in step") {
  Chain m;
  CHECK(m.model.value(m.h).producer == m.relu);
  CHECK(m.model.value(m.h).consumers == std::vector<Use>{{m.sigmoid, 0}});
  m.model.set_input(m.sigmoid, 2, m.x);
  CHECK(m.model.node(m.sigmoid).inputs == std::vector<Handle>{m.h, HT_NONE, m.x});
  CHECK(m.model.value(m.x).consumers == std::vector<Use>{{m.relu, 0}, {m.sigmoid, 2}});
  m.model.resize_inputs(m.sigmoid, 1);
  CHECK(m.model.value(m.x).consumers == std::vector<Use>{{m.relu, 0}});
  m.model.set_input(m.sigmoid, 0, HT_NONE);
  CHECK(m.model.value(m.h).consumers.empty());
  const Handle other = m.at("other");
  m.model.set_output(m.relu, 0, other);
  CHECK(m.model.value(m.h).producer == HT_NONE);
  CHECK(m.model.value(other).producer == m.relu);
  m.model.resize_outputs(m.relu, 0);
  CHECK(m.model.value(other).producer == HT_NONE);
}

TEST_CASE("a value read twice by one node has two uses") {
  GraphMaker m;
  const Handle x = m.input("x", {2});
  const Handle mul = m.node("Mul", {"x", "x"}, {"y"});
  CHECK(m.model.value(x).consumers == std::vector<Use>{{mul, 0}, {mul, 1}});
  m.model.set_input(mul, 0, HT_NONE);
  CHECK(m.model.value(x).consumers == std::vector<Use>{{mul, 1}});
}

TEST_CASE("removing a node frees its values") {
  Chain m;
  m.model.remove_node(m.sigmoid);
  CHECK_FALSE(m.model.alive(m.sigmoid));
  CHECK(m.model.alive(m.y));
  CHECK(m.model.value(m.y).producer == HT_NONE);
  CHECK(m.model.value(m.h).consumers.empty());
  CHECK(m.model.find_node(m.graph, "sigmoid") == HT_NONE);
  CHECK(m.model.graph(m.graph).nodes == std::vector<Handle>{m.relu});
}

TEST_CASE("a value in use cannot be removed") {
  Chain m;
  expect_error(Status::kFailedPrecondition, {"'h'", "produced by node 'relu'"}, [&] { m.model.remove_value(m.h); });
  m.model.set_output(m.relu, 0, HT_NONE);
  expect_error(Status::kFailedPrecondition, {"'h'", "read by node 'sigmoid'"}, [&] { m.model.remove_value(m.h); });
  m.model.set_input(m.sigmoid, 0, HT_NONE);
  m.model.remove_value(m.h);
  CHECK(m.model.find_value(m.graph, "h") == HT_NONE);
  m.model.remove_node(m.relu);
  m.model.remove_node(m.sigmoid);
  expect_error(Status::kFailedPrecondition, {"input of its graph"}, [&] { m.model.remove_value(m.x); });
  expect_error(Status::kFailedPrecondition, {"output of its graph"}, [&] { m.model.remove_value(m.y); });
  m.model.unmark_input(m.x);
  m.model.unmark_output(m.y);
  m.model.remove_value(m.x);
  m.model.remove_value(m.y);
  CHECK(m.model.graph(m.graph).values.empty());
}

TEST_CASE("a constant that is also listed as an input can go when nothing reads it") {
  GraphMaker m;
  const Handle w = m.constant("w", Tensor(HT_F32, {2}));
  m.model.mark_input(w);
  m.model.remove_value(w);
  CHECK(m.model.graph(m.graph).inputs.empty());
}

TEST_CASE("a value has one origin") {
  Chain m;
  const Handle w = m.constant("w", Tensor(HT_F32, {2}));
  expect_error(Status::kFailedPrecondition, {"'h'", "'relu'"}, [&] { m.model.set_output(m.sigmoid, 0, m.h); });
  expect_error(Status::kFailedPrecondition, {"'w'", "constant"}, [&] { m.model.set_output(m.sigmoid, 0, w); });
  expect_error(Status::kFailedPrecondition, {"'x'", "graph input"}, [&] { m.model.set_output(m.sigmoid, 0, m.x); });
  expect_error(Status::kFailedPrecondition, {"'h'"}, [&] { m.model.set_initializer(m.h, Tensor(HT_F32, {2})); });
  expect_error(Status::kFailedPrecondition, {"'h'"}, [&] { m.model.mark_input(m.h); });
  CHECK(m.model.value(m.y).producer == m.sigmoid);  // nothing changed
}

TEST_CASE("names cannot be taken twice") {
  Chain m;
  expect_error(Status::kAlreadyExists, {"'x'"}, [&] { m.model.add_value(m.graph, "x"); });
  expect_error(Status::kAlreadyExists, {"'x'"}, [&] { m.model.rename_value(m.h, "x"); });
  expect_error(Status::kAlreadyExists, {"'relu'"}, [&] { m.model.rename_node(m.sigmoid, "relu"); });
  expect_error(Status::kAlreadyExists, {"'relu'"}, [&] { m.node("Relu", {}, {}, "relu"); });
  expect_error(Status::kInvalidArgument, {"needs a name"}, [&] { m.model.add_value(m.graph, ""); });
  m.model.rename_value(m.h, "hidden");
  CHECK(m.model.find_value(m.graph, "hidden") == m.h);
  CHECK(m.model.find_value(m.graph, "h") == HT_NONE);
  m.model.rename_node(m.relu, "first");
  CHECK(m.model.find_node(m.graph, "first") == m.relu);
  CHECK_FALSE(m.model.node(m.node("Relu", {}, {})).name.empty());
}

TEST_CASE("a node that cannot be added leaves no trace") {
  Chain m;
  const std::vector<Handle> bad = {m.h};
  expect_error(Status::kFailedPrecondition, {}, [&] { m.model.add_node(m.graph, "Relu", "", "new", bad, bad); });
  CHECK(m.model.find_node(m.graph, "new") == HT_NONE);
  CHECK(m.model.graph(m.graph).nodes.size() == 2);
  CHECK(m.model.value(m.h).consumers.size() == 1);
  CHECK(find_faults(m.model).empty());
}

TEST_CASE("replacing an inner value rewires its consumers") {
  Chain m;
  const Handle q = m.at("q");
  m.model.add_node(m.graph, "Identity", "", "id", {&m.h, 1}, {&q, 1});
  m.model.replace_uses(m.h, q);
  CHECK(m.model.node(m.sigmoid).inputs[0] == q);
  CHECK(m.model.value(m.h).consumers.size() == 1);  // the new node, which would otherwise read its own output
  CHECK(m.model.value(q).name == "q");
  CHECK(find_faults(m.model).empty());
}

TEST_CASE("replacing a graph output keeps the name that the user knows") {
  Chain m;
  const Handle q = m.at("q");
  m.model.add_node(m.graph, "Identity", "", "id", {&m.y, 1}, {&q, 1});
  m.model.replace_uses(m.y, q);
  CHECK(m.model.graph(m.graph).outputs == std::vector<Handle>{q});
  CHECK(m.model.value(q).name == "y");
  CHECK(m.model.value(q).is_output);
  CHECK_FALSE(m.model.value(m.y).is_output);
  CHECK(m.model.value(m.y).name != "y");
  CHECK(m.model.find_value(m.graph, "y") == q);
  CHECK(find_faults(m.model).empty());
}

TEST_CASE("a graph output is not replaced by what has a public name of its own") {
  Chain m;
  const Handle z = m.at("z");
  m.node("Neg", {"h"}, {"z"});
  m.model.mark_output(z);
  expect_error(Status::kFailedPrecondition, {"'y'", "'z'", "Identity"}, [&] { m.model.replace_uses(m.y, z); });
  expect_error(Status::kFailedPrecondition, {"graph input"}, [&] { m.model.replace_uses(m.y, m.x); });
  const Handle w = m.constant("w", Tensor(HT_F32, {2}));
  m.model.mark_input(w);
  expect_error(Status::kFailedPrecondition, {"graph input"}, [&] { m.model.replace_uses(m.y, w); });
  CHECK(m.model.value(m.y).name == "y");
  m.model.mark_output(m.x);
  expect_error(Status::kFailedPrecondition, {"'x'", "graph input"}, [&] { m.model.replace_uses(m.x, m.h); });
}

TEST_CASE("subgraphs live and die with their attribute") {
  GraphMaker m;
  m.input("c", {});
  const Handle x = m.input("x", {2});
  const Handle branch = m.node("If", {"c"}, {"y"}, "branch");
  const Handle inner = m.model.add_graph("then", branch);
  m.model.set_attribute(branch, "then_branch", {inner});
  const Handle t = m.model.add_value(inner, "t");
  const Handle n = m.model.add_node(inner, "Relu", "", "inner_relu", {&x, 1}, {&t, 1});
  m.model.mark_output(t);
  CHECK(m.model.captured_values(branch) == std::vector<Handle>{x});
  CHECK(m.model.value(x).consumers == std::vector<Use>{{n, 0}});
  expect_error(Status::kInvalidArgument, {"'t'", "cannot be seen"}, [&] { m.model.set_input(branch, 0, t); });
  const Handle other = m.node("If", {"c"}, {"z"}, "other");
  expect_error(Status::kFailedPrecondition, {"'then'"}, [&] { m.model.set_attribute(other, "then_branch", {inner}); });
  expect_error(Status::kFailedPrecondition, {}, [&] { m.model.set_attribute(other, "then_branch", {m.graph}); });
  m.model.remove_attribute(branch, "then_branch");
  CHECK_FALSE(m.model.alive(inner));
  CHECK_FALSE(m.model.alive(t));
  CHECK_FALSE(m.model.alive(n));
  CHECK(m.model.value(x).consumers.empty());
}

TEST_CASE("every edit counts") {
  Chain m;
  std::uint64_t last = m.model.revision();
  const auto moved = [&] { return std::exchange(last, m.model.revision()) < m.model.revision(); };
  m.model.set_attribute(m.relu, "a", {1.0F});
  CHECK(moved());
  m.model.set_op_type(m.relu, "Elu");
  CHECK(moved());
  m.model.set_type(m.h, {});
  CHECK(moved());
  m.model.rename_value(m.h, "g");
  CHECK(moved());
  m.model.touch();
  CHECK(moved());
  static_cast<void>(m.model.node(m.relu));
  CHECK_FALSE(moved());
}

}  // namespace halftone::model
