#include "core/model/verify.h"

#include <doctest/doctest.h>

#include "tests/unit/base/expect_error.h"
#include "tests/unit/model/graph_maker.h"

namespace halftone::model {
using halftone::test::expect_error;
using test::GraphMaker;

TEST_CASE("a sound model has no faults") {
  GraphMaker m;
  m.input("x", {1});
  m.node("Relu", {"x", ""}, {"y"});
  m.output("y");
  CHECK(find_faults(m.model).empty());
  verify(m.model);
}

TEST_CASE("each broken rule is one sentence naming the culprit") {
  GraphMaker m;
  m.node("Relu", {"nowhere"}, {"y"}, "reader");
  CHECK(find_faults(m.model).size() == 1);
  expect_error(Status::kFailedPrecondition, {"'reader'", "'nowhere'"}, [&] { verify(m.model); });
  m.output("lost");
  expect_error(Status::kFailedPrecondition, {"1 other fault)"}, [&] { verify(m.model); });
  m.node("A", {"b"}, {"a"}, "first");
  m.node("B", {"a"}, {"b"}, "second");
  const auto faults = find_faults(m.model);
  REQUIRE(faults.size() == 3);
  CHECK(faults[1].find("'lost'") != std::string::npos);
  CHECK(faults[2].find("cycle") != std::string::npos);
  expect_error(Status::kFailedPrecondition, {"2 other faults)"}, [&] { verify(m.model); });
}

TEST_CASE("subgraphs are verified too") {
  GraphMaker m;
  m.input("c", {});
  const Handle branch = m.node("If", {"c"}, {"y"}, "branch");
  const Handle inner = m.model.add_graph("then", branch);
  m.model.set_attribute(branch, "then_branch", {inner});
  m.model.mark_output(m.model.add_value(inner, "t"));
  expect_error(Status::kFailedPrecondition, {"'t'", "produced by no node"}, [&] { verify(m.model); });
}

}  // namespace halftone::model
