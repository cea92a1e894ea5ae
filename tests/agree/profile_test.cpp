// What a timed session reports of its steps.
#include <doctest/doctest.h>

#include <map>

#include "tests/agree/net.h"

namespace halftone::test {
namespace {

Net three_nodes() {
  Net net;
  const model::Handle x = net.input({1, 3, 8, 8});
  const model::Handle c = net.node("Conv", {x, net.weight({8, 3, 3, 3})}, {Net::ints("kernel_shape", {3, 3})});
  const model::Handle r = net.node("Relu", {c});
  net.output(net.node("Softmax", {r}, {Net::integer("axis", 1)}));
  return net;
}

// How often each node is reported, alone or inside another's step.
std::map<model::Handle, int> counts(const std::vector<host::StepTime> &steps) {
  std::map<model::Handle, int> out;
  for (const host::StepTime &step : steps) {
    if (step.kind == HT_STEP_NODE) ++out[step.node];
    for (const model::Handle fused : step.fused) ++out[fused];
  }
  return out;
}

}  // namespace

TEST_CASE("every node of a timed session is reported, once, with the runs of all workers") {
  for (const char *executor : {"reference", "onednn"}) {
    CAPTURE(executor);
    Net net = three_nodes();
    Runner runner(net.working, {.executor = executor, .workers = 2, .timed = true});
    const std::vector<model::Tensor> sample = net.sample(1);
    runner.run(sample, 0);
    runner.run(sample, 0);
    runner.run(sample, 1);
    const std::vector<host::StepTime> steps = runner.profile();
    const std::map<model::Handle, int> reported = counts(steps);
    const model::Model &m = net.working.model;
    for (const model::Handle node : m.graph(m.main_graph()).nodes) {
      CHECK_MESSAGE((reported.contains(node) && reported.at(node) == 1), m.node(node).op_type);
    }
    std::uint64_t time = 0;
    for (const host::StepTime &step : steps) {
      CHECK(step.runs == 3);
      time += step.nanoseconds;
    }
    CHECK(time > 0);
  }
}

TEST_CASE("executor onednn tells what runs inside a convolution, and which layouts it changes") {
  Net net = three_nodes();
  Runner runner(net.working, {.timed = true});
  runner.run(net.sample(1));
  bool conv = false, reorder = false;
  for (const host::StepTime &step : runner.profile()) {
    conv = conv || (step.kind == HT_STEP_NODE && step.fused.size() == 1 && !step.how.empty());
    reorder = reorder || (step.kind == HT_STEP_REORDER && step.node != HT_NONE && step.value != HT_NONE);
  }
  CHECK(conv);
  CHECK(reorder);
}

TEST_CASE("taking times changes no result, and a session without them has none") {
  for (const char *executor : {"reference", "onednn"}) {
    CAPTURE(executor);
    Net net = three_nodes();
    Runner plain(net.working, {.executor = executor}), timed(net.working, {.executor = executor, .timed = true});
    const std::vector<model::Tensor> sample = net.sample(1);
    CHECK(disagreement(net.working.model, timed.run(sample), plain.run(sample), {.relative = 0}).empty());
    for (const host::StepTime &step : plain.profile()) CHECK(step.runs == 0);
  }
}

}  // namespace halftone::test
