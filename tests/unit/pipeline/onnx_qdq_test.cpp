// The exporter `onnx-qdq` as the program uses it: the built plug-in, the real services, the file read back.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/host/instance.h"
#include "core/host/registry.h"
#include "core/model/onnx_io.h"
#include "core/quant/arithmetic.h"
#include "halftone/exporter.h"
#include "tests/unit/base/expect_error.h"
#include "tests/unit/base/temp_folder.h"
#include "tests/unit/model/graph_maker.h"

using namespace halftone;
using model::Handle;
using model::Tensor;
using model::test::GraphMaker;
using quant::State;

namespace {

const host::Registry &registry() {
  static const host::Registry loaded = [] {
    host::SearchOptions options;
    options.use_environment = false;
    options.probe = false;
    options.plugin_paths = {std::filesystem::path(HALFTONE_TEST_PLUGINS)};
    return host::load_plugins(options);
  }();
  return loaded;
}

// x -> Conv(w, b) -> Relu -> MaxPool -> y
struct Net {
  host::WorkingModel working;
  Handle conv, relu, pool;
  ht_quant_spec act = quant::make_spec(8, false, HT_ASYMMETRIC);

  Net() {
    GraphMaker m;
    m.input("x", {1, 1, 4, 4});
    m.constant("w", Tensor::from_floats({2, 1, 1, 1}, std::vector<float>{0.5F, -1.0F}));
    m.constant("b", Tensor::from_floats({2}, std::vector<float>{0.1F, 0.2F}));
    conv = m.node("Conv", {"x", "w", "b"}, {"c"}, "conv");
    relu = m.node("Relu", {"c"}, {"r"}, "relu");
    pool = m.node("MaxPool", {"r"}, {"y"}, "pool");
    m.model.set_attribute(pool, "kernel_shape", {std::vector<std::int64_t>{2, 2}});
    m.output("y");
    working.model = std::move(m.model);
    config({conv, false, 0}, act, {0.02F}, {128});
    ht_quant_spec weight = quant::make_spec(8, true, HT_SYMMETRIC);
    weight.granularity = HT_PER_CHANNEL;
    config({conv, false, 1}, weight, {0.5F / 127, 1.0F / 127}, {0, 0});
    ht_quant_spec bias = quant::make_spec(32, true, HT_SYMMETRIC);
    bias.granularity = HT_PER_CHANNEL;
    config({conv, false, 2}, bias, {0.02F * 0.5F / 127, 0.02F / 127}, {0, 0});
    const Handle out = config({relu, true, 0}, act, {0.01F}, {0});
    for (const quant::SlotKey key :
         {quant::SlotKey{conv, true, 0}, {relu, false, 0}, {pool, false, 0}, {pool, true, 0}}) {
      working.configs.dominate(working.configs.create(key, act, State::kInitial), out);
    }
  }
  Handle config(const quant::SlotKey &key, const ht_quant_spec &spec, std::vector<float> scales,
                std::vector<std::int32_t> zeros) {
    const Handle h = working.configs.create(key, spec, State::kInitial);
    working.configs.set_scales(h, scales, zeros, {});
    return h;
  }
  model::Model exported(const char *weights = "stored") {
    const test::TempFolder folder;
    const std::string file = (folder / "out.onnx").string();
    host::Context ctx;
    ctx.working = &working;
    Setting mode;
    mode.value = mode.text = weights;
    Setting settings;
    settings.value = Setting::Map{{"weights", mode}};
    const host::Instance exporter(registry().get(HT_KIND_EXPORTER, "onnx-qdq"), &settings, ctx);
    const auto &role = exporter.role<ht_exporter>(HT_EXPORTER_1);
    const ht_str path{file.data(), file.size()};
    host::call_component(ctx, [&] { return role.write(exporter.raw(), &ctx, &path); });
    return model::import_onnx(file).model;
  }
};

const model::Value &value(const model::Model &m, std::string_view name) {
  const Handle h = m.find_value(m.main_graph(), name);
  INFO(std::string(name));
  REQUIRE(h != HT_NONE);
  return m.value(h);
}
std::string ops(const model::Model &m) {
  return model::test::ops_in_order(m);
}
std::size_t count_of(const model::Model &m, std::string_view op) {
  std::size_t n = 0;
  for (const Handle h : m.graph(m.main_graph()).nodes) n += m.node(h).op_type == op ? 1 : 0;
  return n;
}

}  // namespace

TEST_CASE("pairs at the quantization points, parameters stored, names kept") {
  Net net;
  const model::Model m = net.exported();
  CHECK(count_of(m, "QuantizeLinear") == 3);    // x, r and, behind the pooling, y
  CHECK(count_of(m, "DequantizeLinear") == 5);  // and w, b
  const model::Graph &g = m.graph(m.main_graph());
  REQUIRE(g.outputs.size() == 1);
  CHECK(m.value(g.outputs[0]).name == "y");
  CHECK(m.node(m.value(g.outputs[0]).producer).op_type == "DequantizeLinear");
  CHECK(m.find_value(m.main_graph(), "w") == HT_NONE);
  const Tensor &w = *value(m, "w_quantized").initializer;
  CHECK(w.dtype() == HT_I8);
  CHECK(w.to_ints() == std::vector<std::int64_t>{127, -127});
  CHECK(value(m, "w_zero_point").initializer->dtype() == HT_I8);
  CHECK(value(m, "w_scale").initializer->shape() == model::Shape{2});
  const Tensor &b = *value(m, "b_quantized").initializer;
  CHECK(b.dtype() == HT_I32);
  CHECK(b.to_ints() == std::vector<std::int64_t>{1270, 1270});
  CHECK(value(m, "x_zero_point").initializer->dtype() == HT_U8);
  CHECK(value(m, "x_zero_point").initializer->shape().empty());
  CHECK(value(m, "x_scale").initializer->floats()[0] == 0.02F);
  CHECK(m.opset() == 13);
  CHECK(m.metadata.count("halftone.version") == 1);
  INFO(ops(m));
  CHECK(count_of(m, "Clip") == 0);
}

TEST_CASE("weights with a pair of nodes stay in float, biases are stored all the same") {
  Net net;
  const model::Model m = net.exported("qdq");
  CHECK(value(m, "w").initializer->dtype() == HT_F32);
  CHECK(value(m, "b_quantized").initializer->dtype() == HT_I32);
  CHECK(count_of(m, "QuantizeLinear") == 4);
}

TEST_CASE("consumers with equal quantizers share a pair, others have their own") {
  GraphMaker g;
  g.input("x", {4});
  const Handle a = g.node("Sigmoid", {"x"}, {"a"}, "a"), b = g.node("Sigmoid", {"x"}, {"b"}, "b");
  const Handle c = g.node("Sigmoid", {"x"}, {"c"}, "c"), d = g.node("Sigmoid", {"x"}, {"d"}, "d");
  for (const char *name : {"a", "b", "c", "d"}) g.output(name);
  Net net;
  net.working = {};
  net.working.model = std::move(g.model);
  net.config({a, false, 0}, net.act, {0.5F}, {1});
  net.config({b, false, 0}, net.act, {0.5F}, {1});
  net.config({c, false, 0}, net.act, {0.25F}, {1});
  const model::Model m = net.exported();
  CHECK(count_of(m, "QuantizeLinear") == 2);
  CHECK(m.value(m.node(m.find_node(m.main_graph(), "d")).inputs[0]).name == "x");
  static_cast<void>(d);
}

TEST_CASE("a range narrower than its storage type is clipped before") {
  Net net;
  ht_quant_spec narrow = quant::make_spec(6, true, HT_SYMMETRIC);
  net.config({net.conv, false, 0}, narrow, {0.5F}, {0});
  const model::Model m = net.exported();
  CHECK(count_of(m, "Clip") == 1);
  CHECK(value(m, "x_clip_min").initializer->floats()[0] == -16.0F);
  CHECK(value(m, "x_clip_max").initializer->floats()[0] == 15.5F);
  CHECK(value(m, "x_zero_point").initializer->dtype() == HT_I8);
}

TEST_CASE("limits are written as plain constants on the grid") {
  Net net;
  GraphMaker g;
  g.input("x", {4});
  g.constant("low", Tensor::from_floats({}, std::vector<float>{-0.3F}));
  const Handle clip = g.node("Clip", {"x", "low"}, {"y"}, "clip");
  g.output("y");
  net.working = {};
  net.working.model = std::move(g.model);
  ht_quant_spec spec = quant::make_spec(8, true, HT_SYMMETRIC);
  net.config({clip, false, 0}, spec, {0.25F}, {0});
  spec.visibility = HT_EXPORT_NEVER;
  net.config({clip, false, 1}, spec, {0.25F}, {0});
  const model::Model m = net.exported();
  const Handle low = m.node(m.find_node(m.main_graph(), "clip")).inputs[1];
  REQUIRE(m.value(low).initializer);
  CHECK(m.value(low).initializer->floats()[0] == -0.25F);
  CHECK(count_of(m, "DequantizeLinear") == 1);
}

TEST_CASE("types that opset 13 lacks raise it and rewrite what changed") {
  GraphMaker g;
  g.input("x", {2, 4});
  const Handle mean = g.node("ReduceMean", {"x"}, {"m"}, "mean");
  g.model.set_attribute(mean, "axes", {std::vector<std::int64_t>{1}});
  // No axes written out is all axes; the attribute is gone in that form too.
  const Handle whole = g.node("ReduceMax", {"x"}, {"h"}, "highest");
  g.model.set_attribute(whole, "axes", {std::vector<std::int64_t>{}});
  g.output("m");
  g.output("h");
  Net net;
  net.working = {};
  net.working.model = std::move(g.model);
  net.config({mean, false, 0}, quant::make_spec(16, true, HT_SYMMETRIC), {0.5F}, {0});
  const test::TempFolder folder;
  // The linked onnx may not know opset 21: what is checked is the working model that was written.
  const std::string file = (folder / "out.onnx").string();
  host::Context ctx;
  ctx.working = &net.working;
  const host::Instance exporter(registry().get(HT_KIND_EXPORTER, "onnx-qdq"), nullptr, ctx);
  const ht_str path{file.data(), file.size()};
  host::call_component(ctx,
                       [&] { return exporter.role<ht_exporter>(HT_EXPORTER_1).write(exporter.raw(), &ctx, &path); });
  const model::Model &m = net.working.model;
  CHECK(m.opset() == 21);
  CHECK(m.node(mean).attributes.count("axes") == 0);
  CHECK(m.node(whole).attributes.count("axes") == 0);
  CHECK(m.node(whole).inputs.size() == 1);
  REQUIRE(m.node(mean).inputs.size() == 2);
  CHECK(m.value(m.node(mean).inputs[1]).initializer->ints()[0] == 1);
  CHECK(value(m, "x_zero_point").initializer->dtype() == HT_I16);
  CHECK(std::filesystem::exists(file));
}

TEST_CASE("what ONNX cannot say is an error that names it") {
  Net net;
  net.config({net.conv, false, 0}, quant::make_spec(20, true, HT_SYMMETRIC), {0.5F}, {0});
  test::expect_error(Status::kUnimplemented, {"no type for the codes", "'x'"}, [&] { net.exported(); });
}
