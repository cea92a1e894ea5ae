#include "core/pipeline/target.h"

#include <doctest/doctest.h>

#include "halftone/config.h"
#include "tests/unit/model/graph_maker.h"

using halftone::host::NodeRule;
using halftone::host::WorkingModel;
using halftone::model::Handle;
using halftone::model::Tensor;
using halftone::model::test::GraphMaker;
using halftone::pipeline::parse_platform;
using halftone::pipeline::Target;

namespace {

constexpr const char *kTargetPlatform = R"(
halftone-platform: 1
id: toy
types:
  activation: {bits: 8, signed: false, symmetry: asymmetric, observer: percentile, observer_parameters: {percentile: 0.999}}
  weight: {bits: 8, granularity: channel}
  narrow: {bits: 6, granularity: channel}
  bias: {bits: 32, granularity: channel}
operators:
  - {types: [Conv, ConvTranspose, Gemm, MatMul], computing: true}
  - {types: [Conv], inputs: {1: narrow}, when: {group: 1, kernel: [3, 3], strides: 1}}
  - {types: [Add, Clip, Resize, Div, Sigmoid, Cast]}
  - {types: [Reshape, MaxPool], passive: true}
  - {types: [Sigmoid], float: "too coarse"}
)";

struct Rules {
  GraphMaker made;
  Target target{parse_platform(kTargetPlatform, "toy.yaml")};
  std::map<Handle, halftone::host::Dispatch> dispatch;
  NodeRule of(Handle node) {
    NodeRule rule;
    target.node_rule(WorkingModel{made.model, {}, {}, dispatch}, node, rule);
    return rule;
  }
};

Tensor zero_tensor(std::vector<std::int64_t> shape) {
  return Tensor(HT_F32, std::move(shape));
}

}  // namespace

TEST_CASE("a convolution: data, weight by channel, bias") {
  Rules r;
  r.made.input("x", {1, 2, 8, 8});
  r.made.constant("w", zero_tensor({4, 2, 1, 1}));
  r.made.constant("b", zero_tensor({4}));
  const Handle conv = r.made.node("Conv", {"x", "w", "b"}, {"y"}, "c");
  r.made.output("y");
  const NodeRule rule = r.of(conv);
  CHECK(rule.quantized);
  CHECK(rule.computing);
  REQUIRE(rule.inputs.size() == 3);
  CHECK(rule.inputs[0].role == HT_SLOT_ACTIVATION);
  CHECK(rule.inputs[0].observer_parameters.at("percentile") == "0.999");
  CHECK(rule.inputs[1].role == HT_SLOT_WEIGHT);
  CHECK(rule.inputs[1].spec.granularity == HT_PER_CHANNEL);
  CHECK(rule.inputs[1].spec.axis == 0);
  CHECK(rule.inputs[1].observer == "minmax");
  CHECK(rule.inputs[2].role == HT_SLOT_BIAS);
  CHECK(rule.inputs[2].spec.bits == 32);
  CHECK(rule.outputs[0].role == HT_SLOT_ACTIVATION);
}

TEST_CASE("a later rule wins where its conditions hold") {
  Rules r;
  r.made.input("x", {1, 2, 8, 8});
  r.made.constant("w", zero_tensor({4, 2, 3, 3}));
  const Handle conv = r.made.node("Conv", {"x", "w"}, {"y"}, "c");
  r.made.output("y");
  CHECK(r.of(conv).inputs[1].spec.bits == 6);
  r.made.model.set_attribute(conv, "strides", {std::vector<std::int64_t>{2, 2}});
  CHECK(r.of(conv).inputs[1].spec.bits == 8);
  CHECK(r.of(conv).computing);
}

TEST_CASE("the channel axis depends on the operator") {
  Rules r;
  r.made.input("x", {4, 4});
  r.made.constant("w", zero_tensor({4, 6}));
  r.made.constant("b", zero_tensor({1, 6}));
  const Handle gemm = r.made.node("Gemm", {"x", "w", "b"}, {"g"}, "g");
  CHECK(r.of(gemm).inputs[1].spec.axis == 1);
  CHECK(r.of(gemm).inputs[2].spec.axis == 1);
  r.made.model.set_attribute(gemm, "transB", {std::int64_t{1}});
  CHECK(r.of(gemm).inputs[1].spec.axis == 0);
  CHECK(r.of(gemm).inputs[2].role ==
        HT_SLOT_NONE);  // six biases for four channels: the model is odd, the bias stays float
  r.made.constant("w3", zero_tensor({2, 4, 4}));
  const Handle batched = r.made.node("MatMul", {"x", "w3"}, {"m"}, "m");
  CHECK(r.of(batched).inputs[1].spec.granularity == HT_PER_TENSOR);
  const Handle dynamic = r.made.node("MatMul", {"g", "m"}, {"d"}, "d");
  r.made.output("d");
  CHECK(r.of(dynamic).inputs[1].role == HT_SLOT_ACTIVATION);
  r.made.input("p", {1, 4, 2, 2});
  r.made.constant("t", zero_tensor({4, 1, 2, 2}));
  const Handle grouped = r.made.node("ConvTranspose", {"p", "t"}, {"u"}, "u");
  r.made.output("u");
  CHECK(r.of(grouped).inputs[1].spec.axis == 1);
  r.made.model.set_attribute(grouped, "group", {std::int64_t{4}});
  CHECK(r.of(grouped).inputs[1].spec.granularity == HT_PER_TENSOR);
}

TEST_CASE("constants in places of data are observed at once, limits follow their data") {
  Rules r;
  r.made.input("x", {4});
  r.made.constant("k", zero_tensor({4}));
  r.made.constant("low", zero_tensor({}));
  const Handle add = r.made.node("Add", {"x", "k"}, {"a"}, "a");
  const Handle clip = r.made.node("Clip", {"a", "low", ""}, {"c"}, "c");
  r.made.output("c");
  const NodeRule sum = r.of(add);
  CHECK(sum.inputs[1].role == HT_SLOT_WEIGHT);
  CHECK(sum.inputs[1].observer == "minmax");
  CHECK(sum.inputs[1].observer_parameters.empty());
  const NodeRule limits = r.of(clip);
  CHECK(limits.inputs[1].role == HT_SLOT_BOUND);
  CHECK(limits.inputs[1].spec.visibility == HT_EXPORT_NEVER);
  CHECK(limits.inputs[2].role == HT_SLOT_NONE);
}

TEST_CASE("what stays in float says why") {
  Rules r;
  r.made.input("x", {1, 3, 4, 4});
  const Handle tanh = r.made.node("Tanh", {"x"}, {"t"}, "t");
  const Handle sigmoid = r.made.node("Sigmoid", {"t"}, {"s"}, "s");
  // Shape -> Cast -> Div gives the scales of a Resize: float numbers that describe a shape.
  r.made.node("Shape", {"x"}, {"n"}, "n");
  const Handle cast = r.made.node("Cast", {"n"}, {"f"}, "f");
  r.made.model.set_attribute(cast, "to", {std::int64_t{1}});
  r.made.constant("two", zero_tensor({1}));
  const Handle div = r.made.node("Div", {"f", "two"}, {"q"}, "q");
  const Handle resize = r.made.node("Resize", {"s", "", "q"}, {"z"}, "z");
  r.made.output("z");
  CHECK(r.of(tanh).reason == "platform 'toy' has no quantized form of Tanh");
  CHECK(r.of(sigmoid).reason == "too coarse");
  CHECK_FALSE(r.of(div).quantized);
  CHECK(r.of(div).reason.find("computes shapes") != std::string::npos);
  const NodeRule kept = r.of(resize);
  CHECK(kept.quantized);
  CHECK(kept.inputs[2].role == HT_SLOT_NONE);
  const Handle add = r.made.node("Add", {"n", "n"}, {"nn"}, "nn");
  r.made.output("nn");
  CHECK(r.of(add).reason == "its input 'n' is int64, not float32");
  CHECK(r.of(add).inputs.size() == 2);
}

TEST_CASE("types of their own for inputs of the model and for limits") {
  GraphMaker g;
  g.input("x", {1, 2});
  g.constant("low", zero_tensor({}));
  const Handle first = g.node("Clip", {"x", "low"}, {"t"}, "first");
  const Handle second = g.node("Clip", {"t", "low"}, {"y"}, "second");
  g.output("y");
  Target target(parse_platform(R"(
halftone-platform: 1
id: toy
types:
  activation: {bits: 8, rounding: half-up}
  input: {bits: 8, rounding: half-down, observer: minmax}
  bound: {bits: 8, rounding: down, visibility: never}
operators:
  - {types: [Clip]}
)",
                               "toy.yaml"));
  NodeRule rule;
  target.node_rule(WorkingModel{g.model, {}, {}, {}}, first, rule);
  CHECK(rule.inputs[0].spec.rounding == HT_ROUND_HALF_DOWN);
  CHECK(rule.inputs[0].observer == "minmax");
  CHECK(rule.inputs[1].role == HT_SLOT_BOUND);
  CHECK(rule.inputs[1].spec.rounding == HT_ROUND_DOWN);
  CHECK(rule.inputs[1].spec.visibility == HT_EXPORT_NEVER);
  CHECK(rule.outputs[0].spec.rounding == HT_ROUND_HALF_UP);
  target.node_rule(WorkingModel{g.model, {}, {}, {}}, second, rule);
  CHECK(rule.inputs[0].spec.rounding == HT_ROUND_HALF_UP);
}

TEST_CASE("a dispatcher's verdict keeps a node in float, with its reason; the platform's own reason goes first") {
  Rules r;
  r.made.input("x", {1, 2});
  const Handle add = r.made.node("Add", {"x", "x"}, {"t"}, "add");
  const Handle sigmoid = r.made.node("Sigmoid", {"t"}, {"y"}, "sigmoid");
  r.made.output("y");
  CHECK(r.of(add).quantized);
  r.dispatch[add] = {HT_DISPATCH_FLOAT, "not today"};
  r.dispatch[sigmoid] = {HT_DISPATCH_QUANTIZE, ""};
  CHECK_FALSE(r.of(add).quantized);
  CHECK(r.of(add).reason == "not today");
  CHECK(r.of(sigmoid).reason == "too coarse");
  r.dispatch[add] = {HT_DISPATCH_SHAPE, ""};
  CHECK(r.of(add).reason == "it computes shapes or indices");
  r.dispatch[add] = {HT_DISPATCH_QUANTIZE, ""};
  CHECK(r.of(add).quantized);
}

TEST_CASE("what ONNX says of a slot does not depend on the platform") {
  Rules r;
  r.made.input("x", {1, 2, 4});
  r.made.constant("index", Tensor::from_ints({1}, std::vector<std::int64_t>{0}));
  const Handle gather = r.made.node("Gather", {"x", "index"}, {"y"}, "gather");
  const Handle shape = r.made.node("Shape", {"y"}, {"s"}, "shape");
  const Handle sum = r.made.node("Add", {"s", "s"}, {"z"}, "sum");
  r.made.output("z");
  const WorkingModel working{r.made.model, {}, {}, {}};
  CHECK(r.target.slot_role(working, gather, false, 0) == HT_SLOT_ACTIVATION);
  CHECK(r.target.slot_role(working, gather, false, 1) == HT_SLOT_NONE);
  CHECK(r.target.slot_role(working, gather, true, 0) == HT_SLOT_ACTIVATION);
  CHECK(r.target.slot_role(working, gather, true, 7) == HT_SLOT_NONE);
  CHECK(r.target.slot_role(working, shape, true, 0) == HT_SLOT_NONE);
  CHECK(r.target.slot_role(working, sum, false, 0) == HT_SLOT_NONE);  // integers
}
