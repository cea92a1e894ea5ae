// Where a network is cut into blocks, on graphs of the shapes that networks have.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

#include "passes/training/data_plan.h"
#include "tests/unit/passes/made_flow.h"

namespace halftone::test {
namespace {

// One block a line.
std::string lines(const std::vector<std::string> &texts) {
  std::string all;
  for (const std::string &text : texts) all.append(text).append("\n");
  return all;
}
using Texts = std::vector<std::string>;

TEST_CASE("blocks of a chain are as long as the size allows") {
  MadeFlow f;
  f.layer("c1", {"x"}).node("r1", {"c1"}).layer("c2", {"r1"}).node("r2", {"c2"}).layer("c3", {"r2"}).output("c3");
  CHECK(lines(f.blocks(0)) == lines(Texts{"x > c1 > c1", "r1 > c2 > c2", "r2 > c3 > c3"}));
  CHECK(lines(f.blocks(1)) == lines(Texts{"x > c1 r1 > r1", "r1 > c2 r2 > r2", "r2 > c3 > c3"}));
  CHECK(lines(f.blocks(3)) == lines(Texts{"x > c1 r1 c2 r2 > r2", "r2 > c3 > c3"}));
  CHECK(lines(f.blocks(9)) == lines(Texts{"x > c1 r1 c2 r2 c3 > c3"}));
}

TEST_CASE("operators that only move data make no block longer") {
  MadeFlow f;
  f.layer("c1", {"x"}).mover("t1", {"c1"}).mover("t2", {"t1"}).layer("c2", {"t2"}).output("c2");
  CHECK(lines(f.blocks(1)) == lines(Texts{"x > c1 t1 t2 c2 > c2"}));
}

TEST_CASE("a residual block is one block, with the convolution of its shortcut") {
  MadeFlow f;
  f.layer("stem", {"x"}).node("s", {"stem"});
  f.layer("a1", {"s"}).node("ar", {"a1"}).layer("a2", {"ar"}).node("aa", {"a2", "s"}).node("ao", {"aa"});
  f.layer("b1", {"ao"}).node("br", {"b1"}).layer("b2", {"br"}).layer("bs", {"ao"}).node("ba", {"b2", "bs"});
  f.node("bo", {"ba"}).node("pool", {"bo"}).layer("fc", {"pool"}).output("fc");
  CHECK(lines(f.blocks(4)) ==
        lines({"x > stem s > s", "s > a1 ar a2 aa ao > ao", "ao > b1 br b2 bs ba bo > bo", "pool > fc > fc"}));
  // Its end is worth a few operators more than the size.
  CHECK(f.blocks(2)[1] == "s > a1 ar a2 aa > aa");
}

TEST_CASE("a shortcut that computes something is in its block") {
  MadeFlow f;
  f.layer("s", {"x"})
      .mover("cut", {"s"})
      .mover("pad", {"cut"})
      .layer("a1", {"s"})
      .node("ar", {"a1"})
      .layer("a2", {"ar"});
  f.node("sum", {"a2", "pad"}).layer("b", {"sum"}).output("b");
  CHECK(lines(f.blocks(3)) == lines({"x > s > s", "s > cut pad a1 ar a2 sum > sum", "sum > b > b"}));
}

TEST_CASE("branches that come together are one block") {
  MadeFlow f;
  f.layer("squeeze", {"x"}).node("sr", {"squeeze"});
  f.layer("e1", {"sr"})
      .node("r1", {"e1"})
      .layer("e3", {"sr"})
      .node("r3", {"e3"})
      .mover("cat", {"r1", "r3"})
      .output("cat");
  CHECK(lines(f.blocks(4)) == lines(Texts{"x > squeeze sr e1 r1 e3 r3 cat > cat"}));
}

TEST_CASE("attention is a block, with its projection where the size allows") {
  MadeFlow f;
  f.node("ln", {"x"}).layer("q", {"ln"}).mover("qt", {"q"}).layer("k", {"ln"}).mover("kt", {"k"}).layer("v", {"ln"});
  f.node("qk", {"qt", "kt"}).node("masked", {"qk", "mask"}).node("soft", {"masked"}).node("ctx", {"soft", "v"});
  f.layer("proj", {"ctx"}).node("sum", {"proj", "x"});
  f.node("ln2", {"sum"})
      .layer("f1", {"ln2"})
      .node("act", {"f1"})
      .layer("f2", {"act"})
      .node("out", {"f2", "sum"})
      .output("out");
  // The mask is needed again behind it.
  f.node("later", {"out", "mask"}).output("later");
  CHECK(lines(f.blocks(4)) == lines({"ln mask > q qt k kt v qk masked soft ctx > ctx", "x ctx > proj sum > sum",
                                     "sum > ln2 f1 act f2 out > out"}));
  CHECK(lines(f.blocks(6)) ==
        lines({"x mask > ln q qt k kt v qk masked soft ctx proj sum > sum", "sum > ln2 f1 act f2 out > out"}));
}

TEST_CASE("long skips make blocks of several inputs, never of several outputs") {
  MadeFlow f;
  f.layer("d1", {"x"})
      .node("d1r", {"d1"})
      .node("p1", {"d1r"})
      .layer("d2", {"p1"})
      .node("d2r", {"d2"})
      .node("p2", {"d2r"});
  f.layer("m", {"p2"}).node("up2", {"m"}).mover("cat2", {"up2", "d2r"}).layer("u2", {"cat2"}).node("up1", {"u2"});
  f.mover("cat1", {"up1", "d1r"}).layer("u1", {"cat1"}).output("u1");
  CHECK(lines(f.blocks(2)) ==
        lines({"x > d1 d1r > d1r", "p1 > d2 d2r > d2r", "d2r > p2 m up2 cat2 u2 > u2", "cat1 > u1 > u1"}));
}

TEST_CASE("nothing that cannot be trained is in a block") {
  MadeFlow f;
  f.layer("c1", {"x"}).node("r1", {"c1"}).node("own", {"r1"}).layer("c2", {"own"}).output("c2");
  f.graph.nodes[2].barrier = true;
  CHECK(lines(f.blocks(9)) == lines(Texts{"x > c1 r1 > r1", "own > c2 > c2"}));
}

TEST_CASE("a value that the model gives away ends a block") {
  MadeFlow f;
  f.layer("c1", {"x"}).node("r1", {"c1"}).layer("c2", {"r1"}).output("r1").output("c2");
  CHECK(lines(f.blocks(9)) == lines(Texts{"x > c1 r1 > r1", "r1 > c2 > c2"}));
}

TEST_CASE("data of blocks: each node is computed once, and values stay until their last use") {
  MadeFlow f;
  f.node("ln", {"z"}).layer("q", {"ln"}).node("a", {"q", "x"}).layer("b", {"a"}).node("c", {"b"}).layer("d", {"c"});
  f.node("e", {"d", "x"}).output("e");
  f.graph.link();
  const std::vector<passes::Block> blocks = passes::find_blocks(f.graph, {1, 1});
  REQUIRE(blocks.size() == 3);
  const passes::DataPlan plan = passes::plan_data(f.graph, blocks);
  CHECK(plan.inputs == std::vector{f.value("z"), f.value("x")});
  CHECK(plan.steps[0].feeds == std::vector{f.value("z"), f.value("x")});
  CHECK(plan.steps[0].stores == std::vector{f.value("ln")});
  CHECK(plan.steps[0].drops == std::vector{f.value("z"), f.value("ln")});
  CHECK(plan.steps[1].feeds == std::vector{f.value("a")});
  CHECK(plan.steps[2].feeds == std::vector{f.value("x"), f.value("c")});
}

// Random networks: what holds for every one of them.
MadeFlow random_flow(std::mt19937 &random) {
  MadeFlow f;
  std::vector<std::string> values{"x", "x2"};
  const auto any = [&](std::size_t last) {
    const std::size_t from = values.size() > last ? values.size() - last : 0;
    return values[from + random() % (values.size() - from)];
  };
  const std::size_t count = 5 + random() % 60;
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::string> reads{any(3)};
    if (random() % 3 == 0) reads.push_back(any(12));
    std::ranges::sort(reads);
    reads.erase(std::ranges::unique(reads).begin(), reads.end());
    values.push_back(std::string("n").append(std::to_string(i)));
    f.node(values.back(), reads, random() % 3 == 0);
  }
  f.output(values.back());
  f.graph.link();
  return f;
}

void check_cover(const passes::FlowGraph &graph, const std::vector<passes::Block> &blocks) {
  std::set<std::size_t> covered;
  for (const passes::Block &block : blocks) {
    for (const std::size_t n : block.nodes) CHECK(covered.insert(n).second);
    for (const std::size_t n : block.nodes) {
      for (const std::size_t v : graph.nodes[n].writes) {
        for (const std::size_t reader : graph.values[v].readers) {
          CHECK((v == block.exit || std::ranges::binary_search(block.nodes, reader)));
        }
      }
      for (const std::size_t v : graph.nodes[n].reads) {
        const std::size_t producer = graph.values[v].producer;
        const bool inside = producer != passes::kNoNode && std::ranges::binary_search(block.nodes, producer);
        CHECK((inside || std::ranges::binary_search(block.entries, v)));
      }
    }
  }
}

void check_plan(const passes::FlowGraph &graph, const std::vector<passes::Block> &blocks) {
  const passes::DataPlan plan = passes::plan_data(graph, blocks);
  std::set<std::size_t> kept(plan.inputs.begin(), plan.inputs.end()), computed;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const passes::DataStep &step = plan.steps[b];
    for (const std::size_t v : step.feeds) CHECK(kept.contains(v));
    for (const std::size_t n : step.nodes) CHECK(computed.insert(n).second);
    kept.insert(step.stores.begin(), step.stores.end());
    for (const std::size_t v : blocks[b].entries) CHECK(kept.contains(v));
    kept.insert(blocks[b].exit);
    for (const std::size_t v : step.drops) CHECK(kept.erase(v) == 1);
  }
  CHECK(kept.empty());
}

TEST_CASE("random graphs: blocks are disjoint with one exit, and their data is there when it is needed") {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    const MadeFlow f = random_flow(random);
    for (const unsigned size : {0U, 2U, 5U}) {
      const std::vector<passes::Block> blocks = passes::find_blocks(f.graph, {size, 12});
      check_cover(f.graph, blocks);
      check_plan(f.graph, blocks);
      std::set<std::size_t> held;
      for (const passes::Block &block : blocks) held.insert(block.nodes.begin(), block.nodes.end());
      for (std::size_t n = 0; n < f.graph.nodes.size(); ++n) {
        const passes::FlowNode &node = f.graph.nodes[n];
        const passes::FlowValue &value = f.graph.values[node.writes.front()];
        if (node.learns && (value.kept || !value.readers.empty())) CHECK(held.contains(n));
      }
    }
  }
}

}  // namespace
}  // namespace halftone::test
