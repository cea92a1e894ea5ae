// If, Loop and Scan against the operators' specifications, written out as plain loops here.
#include <doctest/doctest.h>

#include "core/model/opset_lift.h"
#include "tests/agree/body_net.h"
#include "tests/unit/reference/small_net.h"

namespace halftone::test {
namespace {

using model::Handle;

model::Tensor truth(bool value) {
  return model::Tensor(HT_BOOL, {}, std::vector<std::byte>{static_cast<std::byte>(value)});
}
model::Tensor number(std::int64_t value) {
  return model::Tensor::from_ints({}, std::vector{value});
}
model::Tensor floats(model::Shape shape, const std::vector<float> &values) {
  return model::Tensor::from_floats(std::move(shape), values);
}
Handle output_of(SmallNet &net, Handle node, std::size_t slot) {
  const Handle value = net.m().node(node).outputs.at(slot);
  if (!net.m().value(value).is_output) net.m().mark_output(value);
  return value;
}

// x doubled and an outer value added, as long as the sum is below a limit; gives every x on the way.
struct CountingLoop {
  SmallNet net;
  Handle loop, doubled;

  CountingLoop() {
    const Handle trips = net.input("trips"), go = net.input("go"), x = net.input("x"), step = net.input("step");
    const Handle limit = net.floats({1}, {20});
    const Handle twice = net.node("Add", {step, step});  // an outer value that only the body reads
    loop = flow_node(net.m(), net.m().main_graph(), "Loop", {trips, go, x}, 2);
    BodyNet body(net.m(), loop, "body");
    body.input("i");
    body.input("cond");
    const Handle state = body.input("state");
    doubled = body.node("Mul", {state, body.floats({1}, {2})});
    const Handle next = body.node("Add", {doubled, twice});
    body.output(body.node("Squeeze", {body.node("Less", {next, limit})}));
    body.output(next);
    body.output(body.node("Identity", {state}));
    output_of(net, loop, 0);
    output_of(net, loop, 1);
  }
  Emitted run(std::int64_t trips, bool go, std::vector<Handle> emits = {}) {
    const Handle last = net.m().node(loop).outputs[0], all = net.m().node(loop).outputs[1];
    emits.insert(emits.end(), {last, all});
    return ModelRunner(net.working, {.emits = emits})
        .run({number(trips), truth(go), floats({1}, {1}), floats({1}, {0.5F})});
  }
};

}  // namespace

TEST_CASE("If runs the branch that its condition names, and nothing of the other") {
  SmallNet net;
  const Handle cond = net.input("cond"), x = net.input("x");
  const Handle node = flow_node(net.m(), net.m().main_graph(), "If", {cond}, 1);
  BodyNet yes(net.m(), node, "then_branch"), no(net.m(), node, "else_branch");
  const Handle sum = yes.node("Add", {x, yes.floats({2}, {10, 20})});
  yes.output(sum);
  const Handle part = no.node("Neg", {x});
  no.output(part);
  const Handle out = output_of(net, node, 0);
  ModelRunner runner(net.working, {.emits = {out, sum, part}});
  const Emitted taken = runner.run({truth(true), floats({2}, {1, 2})});
  CHECK(emitted(taken, out).to_floats() == std::vector<float>{11, 22});
  CHECK(taken.size() == 2);  // the tap in the other branch saw nothing
  const Emitted other = runner.run({truth(false), floats({2}, {1, 2})});
  CHECK(emitted(other, out).to_floats() == std::vector<float>{-1, -2});
  CHECK(emitted(other, part).to_floats() == std::vector<float>{-1, -2});
}

TEST_CASE("Loop carries its state, stops at the count or the condition, and stacks what its body gives") {
  CountingLoop made;
  const Handle last = made.net.m().node(made.loop).outputs[0], all = made.net.m().node(made.loop).outputs[1];
  const Emitted two = made.run(2, true);  // 1 -> 3 -> 7
  CHECK(emitted(two, last).to_floats() == std::vector<float>{7});
  CHECK(emitted(two, all).to_floats() == std::vector<float>{1, 3});
  CHECK(emitted(two, all).shape() == model::Shape{2, 1});
  const Emitted many = made.run(100, true);  // 1 -> 3 -> 7 -> 15 -> 31
  CHECK(emitted(many, last).to_floats() == std::vector<float>{31});
  CHECK(emitted(many, all).to_floats() == std::vector<float>{1, 3, 7, 15});
}

TEST_CASE("a Loop that never runs gives its first state and no entries") {
  CountingLoop made;
  const Handle last = made.net.m().node(made.loop).outputs[0], all = made.net.m().node(made.loop).outputs[1];
  // What nobody runs has no type of its own; the model says which it would be.
  const Handle entry = made.net.m().graph(made.net.m().subgraphs(made.loop)[0]).outputs[2];
  made.net.m().set_type(entry, {HT_F32, true, {{1, ""}}});
  for (const auto &[trips, go] : {std::pair{0, true}, std::pair{5, false}}) {
    const Emitted none = made.run(trips, go);
    CHECK(emitted(none, last).to_floats() == std::vector<float>{1});
    CHECK(emitted(none, all).shape() == model::Shape{0, 1});
  }
}

TEST_CASE("a value of a body is handed over once for each time that the body runs") {
  CountingLoop made;
  std::vector<float> seen;
  for (const auto &[value, tensor] : made.run(3, true, {made.doubled})) {
    if (value == made.doubled) seen.push_back(tensor.to_floats().at(0));
  }
  CHECK(seen == std::vector<float>{2, 6, 14});
}

TEST_CASE("a live config in a body quantizes each time") {
  CountingLoop made;
  auto &net = made.net;
  net.quantize(net.producer(made.doubled), true, 0, 4);  // 2 -> 0 or 4: halves go to even
  const Handle last = net.m().node(made.loop).outputs[0];
  const Emitted got = ModelRunner(net.working, {.mode = host::Mode::kSimulated, .emits = {last}})
                          .run({number(3), truth(true), floats({1}, {3}), floats({1}, {0.5F})});
  // 3 * 2 = 6 -> 8 (6/4 = 1.5 -> 2), + 1 = 9; 18 -> 16 (4.5 -> 4), + 1 = 17; 34 -> 32 (8.5 -> 8), + 1 = 33
  CHECK(emitted(got, last).to_floats() == std::vector<float>{33});
}

TEST_CASE("Scan goes along any axis, forwards and backwards") {
  SmallNet net;
  const Handle start = net.input("start"), a = net.input("a"), b = net.input("b");
  const Handle scan = flow_node(net.m(), net.m().main_graph(), "Scan", {start, a, b}, 3);
  net.m().set_attribute(scan, "num_scan_inputs", {std::int64_t{2}});
  net.m().set_attribute(scan, "scan_input_axes", {std::vector<std::int64_t>{-1, 0}});
  net.m().set_attribute(scan, "scan_input_directions", {std::vector<std::int64_t>{0, 1}});
  net.m().set_attribute(scan, "scan_output_axes", {std::vector<std::int64_t>{1, 0}});
  net.m().set_attribute(scan, "scan_output_directions", {std::vector<std::int64_t>{0, 1}});
  BodyNet body(net.m(), scan, "body");
  const Handle sum = body.input("sum"), x = body.input("x"), y = body.input("y");
  const Handle next = body.node("Add", {sum, body.node("Mul", {x, y})});
  body.output(next);
  body.output(body.node("Identity", {next}));
  body.output(body.node("Identity", {x}));
  std::vector<Handle> outs;
  for (std::size_t i = 0; i < 3; ++i) outs.push_back(output_of(net, scan, i));
  // a is [2, 3], walked by columns; b is [3, 1], walked by rows from the last.
  const Emitted got = ModelRunner(net.working, {.emits = outs})
                          .run({floats({2}, {0, 100}), floats({2, 3}, {1, 2, 3, 4, 5, 6}), floats({3, 1}, {7, 8, 9})});
  // columns (1 4) * 9, (2 5) * 8, (3 6) * 7
  CHECK(emitted(got, outs[0]).to_floats() == std::vector<float>{9 + 16 + 21, 100 + 36 + 40 + 42});
  CHECK(emitted(got, outs[1]).shape() == model::Shape{2, 3});
  CHECK(emitted(got, outs[1]).to_floats() == std::vector<float>{9, 25, 46, 136, 176, 218});
  CHECK(emitted(got, outs[2]).shape() == model::Shape{3, 2});
  CHECK(emitted(got, outs[2]).to_floats() == std::vector<float>{3, 6, 2, 5, 1, 4});
}

TEST_CASE("the Scan of opset 8 scans each entry of a batch") {
  SmallNet net(8);
  const Handle start = net.input("start"), x = net.input("x"), factor = net.input("factor");
  const Handle scan = flow_node(net.m(), net.m().main_graph(), "Scan", {HT_NONE, start, x}, 2);
  net.m().set_attribute(scan, "num_scan_inputs", {std::int64_t{1}});
  net.m().set_attribute(scan, "directions", {std::vector<std::int64_t>{1}});
  BodyNet body(net.m(), scan, "body");
  const Handle sum = body.input("sum"), row = body.input("row");
  const Handle next = body.node("Add", {sum, body.node("Mul", {row, factor})});
  body.output(next);
  body.output(body.node("Add", {next, body.floats({1}, {100})}));
  const Handle last = output_of(net, scan, 0), all = output_of(net, scan, 1);
  model::lift_opset(net.m());
  const Emitted got = ModelRunner(net.working, {.emits = {last, all}})
                          .run({floats({2, 1}, {0, 1000}), floats({2, 3, 1}, {1, 2, 3, 4, 5, 6}), floats({1}, {2})});
  CHECK(emitted(got, last).to_floats() == std::vector<float>{12, 1030});
  CHECK(emitted(got, all).shape() == model::Shape{2, 3, 1});
  CHECK(emitted(got, all).to_floats() == std::vector<float>{106, 110, 112, 1112, 1122, 1130});
}

TEST_CASE("bodies inside bodies see all that is around them") {
  SmallNet net;
  const Handle trips = net.input("trips"), x = net.input("x"), outer = net.input("outer");
  const Handle loop = flow_node(net.m(), net.m().main_graph(), "Loop", {trips, HT_NONE, x}, 1);
  BodyNet body(net.m(), loop, "body");
  body.input("i");
  const Handle go = body.input("go"), state = body.input("state");
  const Handle inner =
      flow_node(net.m(), body.graph, "If", {body.node("Squeeze", {body.node("Less", {state, outer})})}, 1);
  BodyNet yes(net.m(), inner, "then_branch"), no(net.m(), inner, "else_branch");
  yes.output(yes.node("Add", {state, outer}));
  no.output(no.node("Sub", {state, no.floats({1}, {1})}));
  body.output(body.node("Identity", {go}));
  body.output(net.m().node(inner).outputs[0]);
  const Handle out = output_of(net, loop, 0);
  const Emitted got = ModelRunner(net.working, {.emits = {out}}).run({number(4), floats({1}, {3}), floats({1}, {5})});
  CHECK(emitted(got, out).to_floats() == std::vector<float>{5});  // 3 + 5 = 8, 7, 6, 5
}

TEST_CASE("what is wrong with a node with bodies is said by its name") {
  CountingLoop made;
  made.net.m().resize_inputs(made.loop, 2);
  CHECK_THROWS_WITH_AS(made.run(2, true), doctest::Contains("initial states"), Error);
}

}  // namespace halftone::test
