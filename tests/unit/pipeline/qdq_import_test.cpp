// Q/DQ nodes of a file as configs: where they go, what stays, and that simulated mode computes what the nodes did.
#include <doctest/doctest.h>

#include "core/model/verify.h"
#include "core/pipeline/qdq_import.h"
#include "tests/agree/body_net.h"
#include "tests/unit/reference/small_net.h"

namespace halftone::test {
namespace {

using model::Handle;
using quant::State;

struct QdqNet : SmallNet {
  Handle scale(float s) { return floats({}, {s}); }
  Handle zero(std::uint8_t z) {
    return constant(model::Tensor(HT_U8, {}, std::vector<std::byte>{static_cast<std::byte>(z)}));
  }
  Handle int8s(model::Shape shape, const std::vector<int> &codes) {
    std::vector<std::byte> bytes;
    for (const int code : codes) bytes.push_back(static_cast<std::byte>(code));
    return constant(model::Tensor(HT_I8, std::move(shape), std::move(bytes)));
  }
  Handle pair(Handle x, float s, std::uint8_t z) {
    return node("DequantizeLinear", {node("QuantizeLinear", {x, scale(s), zero(z)}), scale(s), zero(z)});
  }
  State state(Handle of, bool is_output, std::uint32_t slot) {
    const Handle config = working.configs.find({of, is_output, slot});
    return config == HT_NONE ? State::kFp32 : working.configs.get(config).state;
  }
  std::size_t count(const std::string &op) {
    std::size_t n = 0;
    for (const Handle h : m().graph(m().main_graph()).nodes) n += m().node(h).op_type == op ? 1 : 0;
    return n;
  }
};

model::Tensor row(const std::vector<float> &values) {
  return model::Tensor::from_floats({1, static_cast<std::int64_t>(values.size())}, values);
}

}  // namespace

TEST_CASE("pairs become configs of the slot before them or of those behind, and compute the same") {
  QdqNet net;
  const Handle x = net.input("x");
  const Handle w =
      net.node("DequantizeLinear",
               {net.int8s({2, 2}, {10, -20, 30, -128}), net.floats({2}, {0.1F, 0.2F}), net.int8s({2}, {0, 0})},
               {{"axis", {std::int64_t{1}}}});
  const Handle sum = net.node("MatMul", {net.pair(x, 0.5F, 3), w});
  const Handle y = net.node("Relu", {net.pair(sum, 0.25F, 128)}), out = net.pair(y, 0.125F, 0);
  net.m().mark_output(out);
  const std::vector<model::Tensor> input = {row({0.8F, -1.3F})};
  const auto before = ModelRunner(net.working, {.emits = {out}}).run(input).front().second.to_floats();

  const Handle product = net.producer(sum), relu = net.producer(y);
  const pipeline::QdqImport imported = pipeline::import_qdq(net.working);
  CHECK(imported.activations == 3);
  CHECK(imported.parameters == 1);
  CHECK(imported.kept == 0);
  CHECK(net.count("QuantizeLinear") + net.count("DequantizeLinear") == 0);
  CHECK(net.state(product, false, 0) == State::kActivated);
  CHECK(net.state(product, false, 1) == State::kBaked);
  CHECK(net.state(product, true, 0) == State::kActivated);
  CHECK(net.state(relu, false, 0) == State::kFp32);
  CHECK(net.state(relu, true, 0) == State::kActivated);
  const Handle weight = net.m().node(product).inputs[1];
  CHECK(net.m().value(weight).initializer->to_floats() ==
        std::vector<float>{10 * 0.1F, -20 * 0.2F, 30 * 0.1F, -128 * 0.2F});
  const Handle result = net.m().graph(net.m().main_graph()).outputs.front();
  const auto after =
      ModelRunner(net.working, {.mode = host::Mode::kSimulated, .emits = {result}}).run(input).front().second;
  CHECK(after.to_floats() == before);
}

TEST_CASE("a value that is read in float too is quantized where it is read quantized") {
  QdqNet net;
  const Handle x = net.input("x"), first = net.node("Relu", {x});
  const Handle coarse = net.node("Relu", {net.pair(first, 1, 0)}), fine = net.node("Relu", {first});
  pipeline::import_qdq(net.working);
  CHECK(net.state(net.producer(first), true, 0) == State::kFp32);
  CHECK(net.state(net.producer(coarse), false, 0) == State::kActivated);
  CHECK(net.state(net.producer(fine), false, 0) == State::kFp32);
}

TEST_CASE("an output straight from an input gets a node for its config") {
  QdqNet net;
  const Handle x = net.input("x"), out = net.pair(x, 0.5F, 0);
  net.m().mark_output(out);
  pipeline::import_qdq(net.working);
  CHECK(net.count("Identity") == 1);
  const Emitted got =
      ModelRunner(net.working, {.mode = host::Mode::kInteger, .emits = {out}}).run({row({0.3F, 0.2F, 9})});
  CHECK(emitted(got, out).to_floats() == std::vector<float>{0.5F, 0, 9});
}

TEST_CASE("computed scales and codes that others read stay nodes") {
  QdqNet net;
  const Handle x = net.input("x"), scale = net.node("Relu", {net.input("s")});
  const Handle computed =
      net.node("DequantizeLinear", {net.node("QuantizeLinear", {x, scale, net.zero(0)}), scale, net.zero(0)});
  const Handle codes = net.node("QuantizeLinear", {x, net.scale(1), net.zero(0)});
  net.m().mark_output(computed);
  net.m().mark_output(codes);
  const pipeline::QdqImport imported = pipeline::import_qdq(net.working);
  CHECK(imported.activations == 0);
  CHECK(imported.kept == 3);
}

TEST_CASE("pairs in a body become configs, and compute the same") {
  QdqNet net;
  model::Model &m = net.m();
  const Handle x = net.input("x"), trips = net.constant(model::Tensor::from_ints({}, std::vector<std::int64_t>{3}));
  const Handle codes = net.int8s({2, 2}, {10, -20, 30, -128}), fixed = net.node("Relu", {x});
  const Handle s = net.scale(0.5F), z = net.zero(3), fine = net.scale(0.125F);
  const Handle loop = flow_node(m, m.main_graph(), "Loop", {trips, HT_NONE, x}, 3);
  BodyNet body(m, loop, "body");
  body.input("i");
  const Handle go = body.input("go"), state = body.input("state");
  const auto pair = [&](Handle value, Handle scale) {
    return body.node("DequantizeLinear", {body.node("QuantizeLinear", {value, scale, z}), scale, z});
  };
  const Handle w = body.node("DequantizeLinear", {codes, net.floats({}, {0.01F})});
  const Handle product = body.node("MatMul", {pair(state, s), w});
  body.output(body.node("Identity", {go}));
  body.output(pair(product, s));   // the producer's output
  body.output(pair(fixed, fine));  // a value from outside as an output of the body
  body.output(pair(state, fine));  // an input of the body as its output
  const std::vector<Handle> outputs = m.node(loop).outputs;
  for (const Handle value : outputs) m.mark_output(value);
  const std::vector<model::Tensor> input = {row({0.8F, -1.3F})};
  const Emitted before = ModelRunner(net.working, {.emits = outputs}).run(input);

  const pipeline::QdqImport imported = pipeline::import_qdq(net.working);
  CHECK(imported.activations == 4);
  CHECK(imported.parameters == 1);
  CHECK(imported.kept == 0);
  model::verify(m);
  for (const Handle n : m.graph(body.graph).nodes) {
    CHECK(m.node(n).op_type != "QuantizeLinear");
    CHECK(m.node(n).op_type != "DequantizeLinear");
  }
  CHECK(net.state(net.producer(product), false, 0) == State::kActivated);
  CHECK(net.state(net.producer(product), false, 1) == State::kBaked);
  CHECK(net.state(net.producer(product), true, 0) == State::kActivated);
  CHECK(net.state(net.producer(fixed), true, 0) == State::kFp32);
  const Emitted after = ModelRunner(net.working, {.mode = host::Mode::kSimulated, .emits = outputs}).run(input);
  for (const Handle value : outputs) CHECK(emitted(after, value).to_floats() == emitted(before, value).to_floats());
}

}  // namespace halftone::test
