// Matches that a caller refuses leave their nodes to others.
#include <doctest/doctest.h>

#include <fmt/core.h>

#include "tests/unit/pattern/found.h"

namespace halftone::pattern::test {
namespace {

using model::test::GraphMaker;

// conv -> relu -> tanh, twice.
GraphMaker chains() {
  GraphMaker g;
  for (const std::string n : {"1", "2"}) {
    g.node("Conv", {"x", "w"}, {"a" + n}, "conv" + n);
    g.node("Relu", {"a" + n}, {"b" + n}, "relu" + n);
    g.node("Tanh", {"b" + n}, {"c" + n}, "tanh" + n);
    g.output("c" + n);
  }
  return g;
}

Accept but(const model::Model &model, std::size_t pattern, std::string_view root) {
  return [&model, pattern, root](const Match &match) {
    return match.pattern != pattern || model.node(match.nodes.front()).name != root;
  };
}

TEST_CASE("where the longest pattern is refused the next longest is tried, on those nodes alone") {
  const GraphMaker g = chains();
  const std::vector<std::string_view> patterns = {"Relu(Conv(*))", "Tanh(Relu(Conv(*)))", "Tanh(Relu(_))"};
  CHECK(found_of(g.model, patterns) == "1: tanh1 relu1 conv1, 1: tanh2 relu2 conv2");
  CHECK(found_of(g.model, patterns, but(g.model, 1, "tanh2")) == "1: tanh1 relu1 conv1, 0: relu2 conv2");
  CHECK(found_of(g.model, patterns, [](const Match &) { return false; }) == "");
}

TEST_CASE("the same pattern may be laid over a root in another way") {
  GraphMaker g;
  g.node("Conv", {"x", "w"}, {"a"}, "conv");
  g.node("Conv", {"x", "v"}, {"b"}, "conv2");
  g.node("Add", {"a", "b"}, {"y"}, "add");
  g.output("y");
  CHECK(found_of(g.model, {"Add(Conv(*), _)"}) == "0: add conv");
  const Accept other = [&](const Match &match) { return g.model.node(match.nodes.back()).name == "conv2"; };
  CHECK(found_of(g.model, {"Add(Conv(*), _)"}, other) == "0: add conv2");
}

TEST_CASE("a refusal after which every way was tried leaves nothing open") {
  const GraphMaker g = chains();
  const std::vector<Pattern> patterns = {parse("Tanh(Relu(Conv(*)))")};
  std::vector<Untried> untried;
  CHECK(find(g.model, patterns, but(g.model, 0, "tanh2"), &untried).size() == 1);
  CHECK(untried.empty());
}

TEST_CASE("a symmetric pattern that is refused in every way is no error") {
  GraphMaker g;
  std::string text = "Max(";
  std::vector<std::string> read;
  for (int i = 0; i < 11; ++i) {
    read.push_back(fmt::format("v{}", i));
    g.node("Relu", {"x"}, {read.back()}, fmt::format("relu{}", i));
    text += i == 0 ? "Relu(_)" : ", Relu(_)";
  }
  g.node("Max", read, {"y"}, "max");
  g.output("y");
  text += ")";
  CHECK(found_of(g.model, {text}).starts_with("0: max"));
  CHECK(found_of(g.model, {text, "Relu(x)"}, but(g.model, 0, "max")).starts_with("1: relu"));
  // It says so where it gave up.
  const std::vector<Pattern> patterns = {parse("Relu(x)"), parse(text)};
  std::vector<Untried> untried;
  find(g.model, patterns, but(g.model, 1, "max"), &untried);
  REQUIRE(untried.size() == 1);
  CHECK(untried[0].pattern == 1);
  CHECK(untried[0].root == g.model.find_node(g.graph, "max"));
}

}  // namespace
}  // namespace halftone::pattern::test
