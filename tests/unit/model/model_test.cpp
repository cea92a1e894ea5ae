#include "core/model/model.h"

#include <doctest/doctest.h>

#include <chrono>

#include "core/model/verify.h"
#include "tests/unit/base/expect_error.h"
#include "tests/unit/model/graph_maker.h"

namespace halftone::model {
using halftone::test::expect_error;
using test::GraphMaker;

TEST_CASE("a handle that outlived its object is noticed, even when its place is used again") {
  GraphMaker m;
  const Handle old_value = m.at("a");
  m.model.remove_value(old_value);
  const Handle new_value = m.at("b");
  CHECK(handle_index(old_value) == handle_index(new_value));
  CHECK(old_value != new_value);
  CHECK_FALSE(m.model.alive(old_value));
  expect_error(Status::kNotFound, {"no longer exists"}, [&] { m.model.value(old_value); });
  expect_error(Status::kNotFound, {"is a value, not a node"}, [&] { m.model.node(new_value); });
  expect_error(Status::kNotFound, {"empty handle"}, [&] { m.model.graph(HT_NONE); });
  expect_error(Status::kNotFound, {}, [&] { m.model.value(make_handle(HandleKind::kValue, 0, 999)); });
}

TEST_CASE("a copy is independent of what it was copied from, and shares the weights") {
  GraphMaker m;
  m.input("x", {1, 4});
  m.constant("w", Tensor(HT_F32, {4}));
  const Handle add = m.node("Add", {"x", "w"}, {"y"}, "add");
  m.output("y");
  Model copy = m.model;
  const std::uint64_t revision = m.model.revision();
  copy.rename_value(copy.find_value(copy.main_graph(), "y"), "renamed");
  copy.set_attribute(add, "note", {std::int64_t{1}});
  copy.remove_node(add);
  CHECK(m.model.find_value(m.graph, "y") != HT_NONE);
  CHECK(m.model.find_value(m.graph, "renamed") == HT_NONE);
  CHECK(m.model.node(add).attributes.empty());
  CHECK(m.model.value(m.at("x")).consumers.size() == 1);
  CHECK(m.model.revision() == revision);
  CHECK(copy.revision() > revision);
  CHECK(m.model.value(m.at("w")).initializer->same_storage(*copy.value(m.at("w")).initializer));
  m.model.remove_node(add);  // and the other way round
  CHECK(find_faults(copy).size() == find_faults(m.model).size());
}

TEST_CASE("copying a large model takes a few milliseconds") {
  GraphMaker m;
  m.input("v0", {1});
  for (int i = 0; i < 10000; ++i) {
    const Handle n = m.node("Relu", {fmt::format("v{}", i)}, {fmt::format("v{}", i + 1)},
                            fmt::format("a rather long node name {}", i));
    m.model.set_attribute(n, "pads", {std::vector<std::int64_t>{1, 1, 1, 1}});
  }
  m.output("v10000");
  const auto start = std::chrono::steady_clock::now();
  const Model copy = m.model;
  const auto end = std::chrono::steady_clock::now();
  MESSAGE("copied in ", std::chrono::duration<double, std::milli>(end - start).count(), " ms");
  CHECK(copy.topological_order(copy.main_graph()).size() == 10000);
}

TEST_CASE("names are found in the graph and in those around it") {
  GraphMaker m;
  m.input("c", {});
  const Handle branch = m.node("If", {"c"}, {"y"}, "branch");
  const Handle inner = m.model.add_graph("then", branch);
  m.model.set_attribute(branch, "then_branch", {inner});
  const Handle t = m.model.add_value(inner, "t");
  CHECK(m.model.find_value(inner, "t") == t);
  CHECK(m.model.find_value(inner, "c") == m.at("c"));
  CHECK(m.model.find_value(m.graph, "t") == HT_NONE);
  CHECK(m.model.find_node(m.graph, "branch") == branch);
  CHECK(m.model.find_node(inner, "branch") == HT_NONE);
  CHECK(m.model.outer_graph(inner) == m.graph);
  CHECK(m.model.outer_graph(m.graph) == HT_NONE);
  CHECK(m.model.graphs() == std::vector<Handle>{m.graph, inner});
  CHECK(m.model.subgraphs(branch) == std::vector<Handle>{inner});
  expect_error(Status::kAlreadyExists, {"'c'"}, [&] { m.model.add_value(inner, "c"); });
}

TEST_CASE("unique names clash with neither values nor nodes") {
  GraphMaker m;
  m.input("x", {});
  m.node("Relu", {"x"}, {"y"}, "y_1");
  CHECK(m.model.unique_name(m.graph, "free") == "free");
  CHECK(m.model.unique_name(m.graph, "x") == "x_1");
  CHECK(m.model.unique_name(m.graph, "y") == "y_2");
  CHECK_FALSE(m.model.unique_name(m.graph, "").empty());
}

TEST_CASE("the opset of ai.onnx goes by both of its names") {
  Model model;
  CHECK(model.opset() == 0);
  model.set_opset("ai.onnx", 13);
  CHECK(model.opset() == 13);
  CHECK(model.opset("ai.onnx") == 13);
  model.set_opset("com.example", 1);
  CHECK(model.opset("com.example") == 1);
  CHECK(model.opsets().size() == 2);
}

}  // namespace halftone::model
