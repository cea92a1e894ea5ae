// Models with If, Loop and Scan: the executor onednn gives what plain kernels give, with the same bits on any worker.
#include <doctest/doctest.h>

#include "core/quant/arithmetic.h"
#include "tests/agree/body_net.h"
#include "tests/agree/integer_net.h"

namespace halftone::test {
namespace {

using model::Handle;

model::Tensor truth(bool value) {
  return model::Tensor(HT_BOOL, {}, std::vector<std::byte>{static_cast<std::byte>(value)});
}

// A convolution before and behind an If whose branches convolve too, one of them with a Relu.
struct Branches {
  Net net{3};
  Handle out, cond;

  explicit Branches(bool same_shape) {
    model::Model &m = net.working.model;
    const Handle x = net.input({1, 4, 9, 9});
    cond = m.add_value(m.main_graph(), "cond", {HT_BOOL, true, {}});
    m.mark_input(cond);
    const Handle before = net.node("Conv", {x, net.weight({8, 4, 3, 3}, 0.3F)});
    const Handle w = net.weight({8, 8, 3, 3}, 0.2F);
    const Handle node = flow_node(m, m.main_graph(), "If", {cond}, 1);
    BodyNet yes(m, node, "then_branch"), no(m, node, "else_branch");
    yes.output(yes.node("Relu", {yes.node("Conv", {before, w})}));
    const Handle pooled = no.node("MaxPool", {before}, {Net::ints("kernel_shape", {3, 3})});
    no.output(same_shape ? pooled : no.node("GlobalAveragePool", {pooled}));
    out = net.node("Sigmoid", {net.node("Mul", {m.node(node).outputs[0], m.node(node).outputs[0]})});
    net.output(out);
  }
};

void compare(Net &net, const std::vector<model::Tensor> &sample, const std::vector<Handle> &emits,
             host::Mode mode = host::Mode::kFloat) {
  const Emitted want = Runner(net.working, {.executor = "reference", .mode = mode, .emits = emits}).run(sample);
  Runner fast(net.working, {.mode = mode, .workers = 2, .emits = emits});
  const Emitted first = fast.run(sample, 0), second = fast.run(sample, 1), again = fast.run(sample, 0);
  // Integer mode is exact.
  const Tolerance tolerance{.relative = mode == host::Mode::kInteger ? 0 : 1e-4};
  CHECK(disagreement(net.working.model, first, want, tolerance) == "");
  for (const auto &[value, tensor] : first) {
    CHECK(std::ranges::equal(tensor.bytes(), second.at(value).bytes()));
    CHECK(std::ranges::equal(tensor.bytes(), again.at(value).bytes()));
  }
}

// Every value, those of bodies included, that a node makes.
std::vector<Handle> all_made(const model::Model &m) {
  std::vector<Handle> made;
  for (const Handle graph : m.graphs()) {
    for (const Handle value : m.graph(graph).values) {
      if (m.value(value).producer != HT_NONE) made.push_back(value);
    }
  }
  return made;
}

}  // namespace

TEST_CASE("branches with one shape, and with two") {
  for (const bool same : {true, false}) {
    Branches made(same);
    for (const bool cond : {true, false}) {
      const std::vector<model::Tensor> sample = {random_tensor({1, 4, 9, 9}, 5), truth(cond)};
      compare(made.net, sample, {made.out});
      compare(made.net, sample, all_made(made.net.working.model));
    }
  }
}

TEST_CASE("configs in branches and outside quantize alike") {
  Branches made(true);
  model::Model &m = made.net.working.model;
  const auto put = [&](Handle node, bool is_output, std::uint32_t slot) {
    const auto config = made.net.working.configs.create(
        {node, is_output, slot}, quant::make_spec(8, true, HT_SYMMETRIC), quant::State::kInitial);
    const float scale = 0.0625F;  // a power of two: sums of such products are exact in any order
    const std::int32_t zero_point = 0;
    made.net.working.configs.set_scales(config, {&scale, 1}, {&zero_point, 1}, {});
  };
  std::size_t inner = 0;
  for (const Handle graph : m.graphs()) {
    for (const Handle node : m.graph(graph).nodes) {
      if (m.node(node).op_type != "Conv") continue;
      put(node, false, 0), put(node, false, 1), put(node, true, 0);
      inner += graph == m.main_graph() ? 0 : 1;
    }
  }
  REQUIRE(inner == 1);
  const std::vector<model::Tensor> plain = {random_tensor({1, 4, 9, 9}, 6), truth(true)};
  const Emitted in_float = Runner(made.net.working, {.executor = "reference"}).run(plain);
  const Emitted in_steps =
      Runner(made.net.working, {.executor = "reference", .mode = host::Mode::kSimulated}).run(plain);
  CHECK(disagreement(m, in_steps, in_float, {}) != "");
  for (const bool cond : {true, false}) {
    compare(made.net, {random_tensor({1, 4, 9, 9}, 6), truth(cond)}, {made.out}, host::Mode::kSimulated);
  }
}

TEST_CASE("integer mode runs branches on codes that they read from around them") {
  Branches made(true);
  model::Model &m = made.net.working.model;
  for (const Handle graph : m.graphs()) {
    for (const Handle node : m.graph(graph).nodes) {
      if (m.node(node).op_type != "Conv") continue;
      // The convolution of the branch has the codes of the one before; its own result is quantized behind the Relu.
      if (graph == m.main_graph()) put(made.net, node, false, 0, {8, false, 0.008F, 120});
      put(made.net, node, false, 1, {8, true, 0.0078F});
      put(made.net, node, true, 0, {8, false, 0.02F, 128});
    }
  }
  for (const bool cond : {true, false}) {
    const std::vector<model::Tensor> sample = {random_tensor({1, 4, 9, 9}, 6), truth(cond)};
    compare(made.net, sample, {made.out}, host::Mode::kInteger);
    compare(made.net, sample, all_made(m), host::Mode::kInteger);
    const Emitted simulated = Runner(made.net.working, {.mode = host::Mode::kSimulated}).run(sample);
    const Emitted on_codes = Runner(made.net.working, {.mode = host::Mode::kInteger}).run(sample);
    CHECK(disagreement(m, on_codes, simulated, {.relative = 0.02}) == "");
  }
}

TEST_CASE("integer mode runs a Loop over a dense layer, whose states are floats on their grid") {
  Net net(14);
  model::Model &m = net.working.model;
  const Handle x = net.input({4, 16}), w = net.weight({16, 16}, 0.3F), trips = net.integers({5});
  const Handle loop = flow_node(m, m.main_graph(), "Loop", {trips, HT_NONE, x}, 2);
  BodyNet body(m, loop, "body");
  body.input("i");
  const Handle go = body.input("go"), state = body.input("state");
  const Handle product = body.node("MatMul", {state, w}), next = body.node("Tanh", {product});
  body.output(body.node("Identity", {go}));
  body.output(next);
  body.output(body.node("ReduceMean", {next}, {Net::ints("axes", {0})}));
  const Handle dense = m.value(product).producer;
  put(net, dense, false, 0, {8, true, 0.0078125F});
  put(net, dense, false, 1, {8, true, 0.0025F}, 16, 1);
  put(net, dense, true, 0, {8, false, 0.015625F, 128});
  put(net, m.value(next).producer, true, 0, {8, true, 0.0078125F});
  for (const Handle out : m.node(loop).outputs) net.output(out);
  const std::vector<Handle> outputs = {m.node(loop).outputs[0], m.node(loop).outputs[1]};
  compare(net, net.sample(11), outputs, host::Mode::kInteger);
  compare(net, net.sample(12), all_made(m), host::Mode::kInteger);
  const Emitted simulated = Runner(net.working, {.mode = host::Mode::kSimulated}).run(net.sample(11));
  const Emitted on_codes = Runner(net.working, {.mode = host::Mode::kInteger}).run(net.sample(11));
  CHECK(disagreement(m, on_codes, simulated, {.relative = 0.02}) == "");
  CHECK(ways(net, 11)["Loop"] == "bodies");
}

TEST_CASE("a Loop over a dense layer, and a Scan over its rows") {
  Net net(4);
  model::Model &m = net.working.model;
  const Handle x = net.input({4, 16}), w = net.weight({16, 16}, 0.3F);
  const Handle shift = net.node("Tanh", {net.input({16})});
  const Handle trips = net.integers({5});
  const Handle loop = flow_node(m, m.main_graph(), "Loop", {trips, HT_NONE, x}, 2);
  {
    BodyNet body(m, loop, "body");
    body.input("i");
    const Handle go = body.input("go"), state = body.input("state");
    const Handle next = body.node("Tanh", {body.node("Add", {body.node("MatMul", {state, w}), shift})});
    body.output(body.node("Identity", {go}));
    body.output(next);
    body.output(body.node("ReduceMean", {next}, {Net::ints("axes", {0})}));
  }
  const Handle scan = flow_node(m, m.main_graph(), "Scan", {shift, m.node(loop).outputs[0]}, 2);
  m.set_attribute(scan, "num_scan_inputs", {std::int64_t{1}});
  {
    BodyNet body(m, scan, "body");
    const Handle sum = body.input("sum"), row = body.input("row");
    const Handle next = body.node("Add", {sum, row});
    body.output(next);
    body.output(body.node("Relu", {next}));
  }
  const Handle out = net.node("Add", {m.node(scan).outputs[1], m.node(scan).outputs[0]});
  net.output(out);
  net.output(m.node(loop).outputs[1]);
  compare(net, net.sample(11), {out, m.node(loop).outputs[1]});
  compare(net, net.sample(12), all_made(m));
}

TEST_CASE("a state that grows with each iteration") {
  Net net(5);
  model::Model &m = net.working.model;
  const Handle x = net.input({1, 6}), trips = net.integers({6});
  const Handle loop = flow_node(m, m.main_graph(), "Loop", {trips, HT_NONE, x}, 1);
  BodyNet body(m, loop, "body");
  body.input("i");
  const Handle go = body.input("go"), state = body.input("state");
  body.output(body.node("Identity", {go}));
  body.output(body.node("Concat", {state, body.node("Relu", {x})}, {Net::integer("axis", 0)}));
  const Handle out = net.node("Softmax", {m.node(loop).outputs[0]}, {Net::integer("axis", 0)});
  net.output(out);
  compare(net, net.sample(3), {out});
}

TEST_CASE("a branch that is not taken may hold what does not fit") {
  Net net(6);
  model::Model &m = net.working.model;
  const Handle x = net.input({2});
  const Handle cond = m.add_value(m.main_graph(), "cond", {HT_BOOL, true, {}});
  m.mark_input(cond);
  const Handle node = flow_node(m, m.main_graph(), "If", {cond}, 1);
  BodyNet yes(m, node, "then_branch"), no(m, node, "else_branch");
  yes.output(yes.node("Reshape", {x, net.integers({1, 7})}));
  no.output(no.node("Reshape", {x, net.integers({1, 2})}));
  const Handle out = net.node("Relu", {m.node(node).outputs[0]});
  net.output(out);
  compare(net, {random_tensor({2}, 1), truth(false)}, {out});
  const std::vector<model::Tensor> taken = {random_tensor({2}, 1), truth(true)};
  for (const char *executor : {"reference", "onednn"}) {
    Runner runner(net.working, {.executor = executor, .emits = {out}});
    CHECK_THROWS_WITH_AS(runner.run(taken), doctest::Contains("2 elements do not fit the new shape"), std::exception);
  }
}

TEST_CASE("a body that never runs may hold what does not fit") {
  Net net(7);
  model::Model &m = net.working.model;
  const Handle x = net.input({2}), empty = net.input({0, 3});
  const Handle trips = m.add_value(m.main_graph(), "trips", {HT_I64, true, {}});
  m.mark_input(trips);
  const Handle loop = flow_node(m, m.main_graph(), "Loop", {trips, HT_NONE, x}, 1);
  BodyNet body(m, loop, "body");
  body.input("i");
  const Handle go = body.input("go"), state = body.input("state");
  body.output(body.node("Identity", {go}));
  body.output(body.node("Reshape", {state, net.integers({7})}));
  const Handle scan = flow_node(m, m.main_graph(), "Scan", {x, empty}, 1);
  m.set_attribute(scan, "num_scan_inputs", {std::int64_t{1}});
  BodyNet step(m, scan, "body");
  const Handle sum = step.input("sum"), row = step.input("row");
  step.output(step.node("Add", {sum, row}));  // [2] and [3]
  const Handle out = net.node("Add", {m.node(loop).outputs[0], m.node(scan).outputs[0]});
  net.output(out);
  const auto sample = [&](std::int64_t count) {
    return std::vector<model::Tensor>{random_tensor({2}, 1), random_tensor({0, 3}, 1),
                                      model::Tensor::from_ints({}, Net::Ints{count})};
  };
  compare(net, sample(0), {out});
  Runner runner(net.working, {.emits = {out}});
  CHECK_THROWS_WITH_AS(runner.run(sample(1)), doctest::Contains("2 elements do not fit the new shape"), std::exception);
}

}  // namespace halftone::test
