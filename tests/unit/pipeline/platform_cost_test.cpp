#include "core/pipeline/platform_cost.h"

#include <doctest/doctest.h>

#include "core/base/error.h"
#include "core/pipeline/target.h"
#include "halftone/cost.h"
#include "tests/unit/model/graph_maker.h"

using halftone::host::NodeCost;
using halftone::host::WorkingModel;
using halftone::model::Handle;
using halftone::model::Tensor;
using halftone::model::test::GraphMaker;
using halftone::pipeline::parse_platform;
using halftone::pipeline::Target;

namespace {

constexpr const char *kPlatform = R"(
halftone-platform: 1
id: toy
types: {activation: {}, weight: {}}
operators:
  - {types: [Conv, ConvTranspose, Gemm, MatMul], cost: {fixed: 100, product: 2, element: 1, bits: {4: 0.5}}}
  - {types: [Conv], when: {kernel: [3, 3]}, cost: {product: 1, bits: {8: 3}}}
  - {types: [Relu]}
cost: {unit: cycles, float: {fixed: 7, element: 10}}
)";

struct CostBench {
  GraphMaker made;
  Target target{parse_platform(kPlatform, "toy.yaml")};
  void output(const std::string &name, std::initializer_list<std::int64_t> shape) {
    made.model.set_type(made.output(name), halftone::model::test::float_type(shape));
  }
  NodeCost of(Handle node, std::uint32_t form = HT_COST_AS_DISPATCHED, std::uint32_t bits = 0) {
    return target.node_cost(WorkingModel{made.model, {}, {}, {}}, node, form, bits);
  }
};

Tensor zeros(std::vector<std::int64_t> shape) {
  return Tensor(HT_F32, std::move(shape));
}

std::string refusal(const std::string &text) {
  try {
    (void)parse_platform(text, "toy.yaml");
  } catch (const halftone::Error &error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a convolution: rules together, the later one in what it says") {
  CostBench b;
  b.made.input("x", {1, 2, 8, 8});
  b.made.constant("w", zeros({4, 2, 3, 3}));
  const Handle conv = b.made.node("Conv", {"x", "w"}, {"y"}, "c");
  b.output("y", {1, 4, 6, 6});
  CHECK(b.target.cost_unit() == "cycles");
  const NodeCost cost = b.of(conv);
  CHECK(cost.known);
  CHECK(cost.products == 4 * 36 * 2 * 9);
  CHECK(cost.elements == 4 * 36);
  CHECK(cost.cost == 100 + 1 * cost.products + 1 * cost.elements);
  CHECK(b.of(conv, HT_COST_QUANTIZED, 4).cost == 100 + 0.5 * cost.products + cost.elements);
  CHECK(b.of(conv, HT_COST_QUANTIZED, 8).cost == 100 + 3 * cost.products + cost.elements);
  CHECK(b.of(conv, HT_COST_FLOAT).cost == 7 + 10 * cost.elements);
}

TEST_CASE("products of other operators") {
  CostBench b;
  b.made.input("x", {3, 5});
  b.made.input("i", {1, 4, 8, 8});
  b.made.constant("w", zeros({5, 6}));
  b.made.constant("t", zeros({4, 2, 2, 2}));
  const Handle gemm = b.made.node("Gemm", {"x", "w"}, {"g"}, "gemm");
  const Handle matmul = b.made.node("MatMul", {"x", "w"}, {"m"}, "matmul");
  const Handle transpose = b.made.node("ConvTranspose", {"i", "t"}, {"u"}, "up");
  b.output("g", {3, 6});
  b.output("m", {3, 6});
  b.output("u", {1, 2, 9, 9});
  CHECK(b.of(gemm).products == 3 * 6 * 5);
  CHECK(b.of(matmul).products == 3 * 6 * 5);
  CHECK(b.of(transpose).products == 4 * 64 * 2 * 4);
}

TEST_CASE("what is not known is told, and is no cost of 0") {
  CostBench b;
  b.made.input("x", {-1, 4});
  b.made.input("v", {1, -1});
  const Handle relu = b.made.node("Relu", {"x"}, {"y"}, "r");
  const Handle tanh = b.made.node("Tanh", {"x"}, {"z"}, "t");
  const Handle vague = b.made.node("Tanh", {"v"}, {"u"}, "s");
  b.output("y", {-1, 4});
  b.output("z", {-1, 4});
  b.output("u", {1, -1});
  CHECK_FALSE(b.of(relu).known);         // quantized, and no rule has a hint
  CHECK(b.of(tanh).cost == 7 + 10 * 4);  // in float; the free first axis counts as one sample
  CHECK_FALSE(b.of(vague).known);
}

TEST_CASE("mistakes in costs have their place") {
  const std::string head = "halftone-platform: 1\nid: toy\ntypes: {activation: {}, weight: {}}\n";
  CHECK(refusal(head + "operators: [{types: [Conv], cost: {fixed: 1}}]\n") ==
        "toy.yaml:4:35: a rule has a cost, and nothing says in which unit; add `cost: {unit: cycles}`");
  CHECK(refusal(head + "operators: [{types: [Conv], cost: {product: -1}}]\ncost: {unit: us}\n") ==
        "toy.yaml:4:45: `cost.product` is below 0; a cost cannot be");
  CHECK(refusal(head + "operators: [{types: [Conv], cost: {bits: {64: 1}}}]\ncost: {unit: us}\n") ==
        "toy.yaml:4:43: '64' in `cost.bits` is no width of 2 to 32 bits");
  CHECK(refusal(head + "operators: [{types: [Conv]}]\ncost: {float: {fixed: 1}}\n").find("`cost`") !=
        std::string::npos);
}
