// unify-floats: models in float16, bfloat16 and float64 compute in float32 afterwards what their numbers say.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "core/model/narrow_float.h"
#include "tests/unit/passes/float_check.h"

namespace halftone::test {
namespace {

using model::Handle;

std::int64_t onnx_code(ht_dtype type) {
  return type == HT_F16 ? 10 : type == HT_BF16 ? 16 : type == HT_F64 ? 11 : 1;
}

float rounded(float value, ht_dtype type) {
  if (type == HT_F16) return model::float_from_f16(model::f16_from_float(value));
  if (type == HT_BF16) return model::float_from_bf16(model::bf16_from_float(value));
  return value;
}

model::Tensor in_type(const model::Tensor &tensor, ht_dtype type) {
  const std::vector<float> values = tensor.to_floats();
  if (type == HT_F32) return tensor;
  const std::size_t width = type == HT_F64 ? 8 : 2;
  std::vector<std::byte> bytes(values.size() * width);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto wide = static_cast<double>(values[i]);
    const std::uint16_t narrow = type == HT_F16 ? model::f16_from_float(values[i]) : model::bf16_from_float(values[i]);
    std::memcpy(bytes.data() + i * width, type == HT_F64 ? static_cast<const void *>(&wide) : &narrow, width);
  }
  return {type, tensor.shape(), std::move(bytes)};
}

// The float32 model with every number rounded to the type, and the same model in that type.
struct Pair {
  model::Model wide, narrow;
};

Pair pair_of(const model::Model &m, ht_dtype type) {
  Pair pair{m, m};
  for (const Handle g : m.graphs()) {
    for (const Handle h : std::vector<Handle>(m.graph(g).values)) {
      const model::Value &value = m.value(h);
      if (value.type.dtype != HT_F32) continue;
      if (value.initializer) {
        std::vector<float> values = value.initializer->to_floats();
        for (float &v : values) v = rounded(v, type);
        const auto tensor = model::Tensor::from_floats(value.initializer->shape(), values);
        pair.wide.set_initializer(h, tensor);
        pair.narrow.set_initializer(h, in_type(tensor, type));
      } else {
        model::ValueType declared = value.type;
        declared.dtype = type;
        pair.narrow.set_type(h, declared);
      }
    }
    for (const Handle n : m.graph(g).nodes) {
      if (m.node(n).op_type == "Cast") pair.narrow.set_attribute(n, "to", {onnx_code(type)});
      if (m.node(n).op_type != "ConstantOfShape") continue;
      const auto &data = std::get<model::Tensor>(m.node(n).attributes.at("value").data);
      pair.narrow.set_attribute(n, "value", {in_type(data, type)});
    }
  }
  return pair;
}

// Convolution, a Cast from integers and a ConstantOfShape.
model::Model small_net() {
  Sketch s(11);
  const Handle x = s.input({1, 3, 6, 6});
  Handle y = s.node("Conv", {x, s.weight({4, 3, 3, 3}, 0.3F), s.weight({4})});
  y = s.node("Relu", {y});
  const Handle factor = s.node("Cast", {s.integers({3})}, {Net::integer("to", 1)});
  const Handle one = s.node("ConstantOfShape", {s.integers({1})},
                            {{"value", {model::Tensor::from_floats({1}, std::vector<float>{0.25F})}}});
  y = s.node("Add", {s.node("Mul", {y, factor}), one});
  s.output(s.node("Flatten", {y}));
  return s.done();
}

std::vector<ht_dtype> types_of(const PassRunner &r) {
  std::vector<ht_dtype> types;
  const model::Model &m = r.working.model;
  for (const Handle h : m.graph(m.main_graph()).values) types.push_back(m.value(h).type.dtype);
  return types;
}

TEST_CASE("unify-floats: the bits of the float32 model with the same numbers") {
  for (const ht_dtype type : {HT_F16, HT_BF16, HT_F64}) {
    CAPTURE(type);
    Pair pair = pair_of(small_net(), type);
    PassRunner wide(pair.wide), r(pair.narrow);
    r.run("unify-floats", "{edges: float32}");
    const auto expected = float_outputs(wide.working, "reference"), found = float_outputs(r.working, "reference");
    for (std::size_t s = 0; s < expected.size(); ++s) {
      CHECK(found[s].front().dtype() == HT_F32);
      CHECK(found[s].front().to_floats() == expected[s].front().to_floats());
    }
    for (const ht_dtype left : types_of(r)) CHECK((left == HT_F32 || left == HT_I64));
    CHECK(count_of(r, "Cast") == 1);
  }
}

TEST_CASE("unify-floats: inputs and outputs keep names and types behind Casts") {
  Pair pair = pair_of(small_net(), HT_F16);
  const model::Model &before = pair.narrow;
  const std::string in = before.value(before.graph(before.main_graph()).inputs.front()).name;
  const std::string out = before.value(before.graph(before.main_graph()).outputs.front()).name;
  PassRunner r(pair.narrow);
  r.run("unify-floats");
  const model::Model &m = r.working.model;
  const model::Value &input = m.value(m.graph(m.main_graph()).inputs.front());
  const model::Value &output = m.value(m.graph(m.main_graph()).outputs.front());
  CHECK(input.name == in);
  CHECK(output.name == out);
  CHECK(input.type.dtype == HT_F16);
  CHECK(output.type.dtype == HT_F16);
  CHECK(m.node(output.producer).op_type == "Cast");
  CHECK(m.node(input.consumers.front().node).op_type == "Cast");
  CHECK(input.consumers.size() == 1);
  CHECK(count_of(r, "Cast") == 3);
  CHECK(r.row("edges") == "2 inputs and outputs keep their types, with a Cast");
  CHECK(r.row("float16") == "2 stored tensors and 7 computed values are float32 now");
}

TEST_CASE("unify-floats: a float32 model is left alone") {
  PassRunner r(small_net());
  const std::uint64_t before = r.working.model.revision();
  r.run("unify-floats");
  CHECK(r.working.model.revision() == before);
  CHECK(r.row("float16").empty());
}

TEST_CASE("unify-floats: float64 beside a float32 network stays, unless asked for") {
  Sketch s(3);
  const Handle x = s.input({1, 4});
  const Handle product = s.node("MatMul", {x, s.weight({4, 3})});
  const Handle count = s.node("Cast", {s.integers({3})}, {Net::integer("to", 11)});
  s.output(product);
  s.output(s.node("Cast", {s.node("Floor", {count})}, {Net::integer("to", 7)}));
  const model::Model m = s.done();
  PassRunner left(m), asked(m), refused(pair_of(small_net(), HT_F64).narrow);
  const auto has_double = [](const PassRunner &r) {
    const std::vector<ht_dtype> types = types_of(r);
    return std::count(types.begin(), types.end(), HT_F64) > 0;
  };
  left.run("unify-floats");
  CHECK(has_double(left));
  asked.run("unify-floats", "{float64: yes}");
  CHECK_FALSE(has_double(asked));
  refused.run("unify-floats", "{float64: no}");
  CHECK(has_double(refused));
}

TEST_CASE("unify-floats: operators of unknown domains keep their types between Casts") {
  Sketch s(5);
  model::Model &m = s.m();
  const Handle x = s.input({1, 4});
  const Handle a = s.node("Relu", {x});
  const auto foreign = [&](Handle in, const char *name) {
    model::ValueType type = m.value(x).type;
    const Handle out = m.add_value(m.main_graph(), name, type);
    m.add_node(m.main_graph(), "Own", "com.example", name, std::vector{in}, std::vector{out});
    return out;
  };
  m.set_opset("com.example", 1);
  const Handle first = foreign(a, "first"), second = foreign(first, "second");
  s.output(s.node("Neg", {second}));
  PassRunner r(pair_of(s.done(), HT_F16).narrow);
  r.run("unify-floats", "{edges: float32}");
  const model::Model &done = r.working.model;
  const auto type_of = [&](Handle value) { return done.value(value).type.dtype; };
  const model::Node &one = done.node(r.node("first")), &two = done.node(r.node("second"));
  CHECK(type_of(one.inputs[0]) == HT_F16);
  CHECK(type_of(one.outputs[0]) == HT_F16);
  CHECK(two.inputs[0] == one.outputs[0]);  // no Cast between the two
  CHECK(type_of(two.outputs[0]) == HT_F16);
  CHECK(count_of(r, "Cast") == 2);
  CHECK(r.row("kept") == "2 nodes that keep their types between Casts");
}

TEST_CASE("unify-floats: numbers of float64 beyond float32 are clipped, not infinite") {
  Sketch s(6);
  const Handle x = s.input({1, 2});
  const Handle w = s.weight({2, 2});
  s.output(s.node("MatMul", {x, w}));
  model::Model m = s.done();
  const std::vector<double> values = {1e300, -1e300, 1.0, -HUGE_VAL};
  std::vector<std::byte> bytes(32);
  std::memcpy(bytes.data(), values.data(), 32);
  m.set_initializer(w, model::Tensor(HT_F64, {2, 2}, std::move(bytes)));
  PassRunner r(m);
  r.run("unify-floats");
  const std::vector<float> found = r.initializer(m.value(w).name).to_floats();
  CHECK(found == std::vector<float>{3.40282347e38F, -3.40282347e38F, 1.0F, -HUGE_VALF});
}

}  // namespace
}  // namespace halftone::test
