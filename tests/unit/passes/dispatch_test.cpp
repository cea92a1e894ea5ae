// The dispatchers on a graph with all that their rules tell apart; the expected sets follow from PPQ's rules.
#include <doctest/doctest.h>

#include <set>

#include "tests/unit/model/graph_maker.h"
#include "tests/unit/passes/pass_runner.h"

namespace halftone::test {
namespace {

using model::Tensor;
using model::test::GraphMaker;
using Names = std::set<std::string>;

constexpr std::string_view kDispatchPlatform = R"(
halftone-platform: 1
id: test
types:
  activation: {bits: 8, signed: true, symmetry: symmetric, observer: minmax}
  weight: {bits: 8, signed: true, symmetry: symmetric, observer: minmax}
operators:
  - {types: [Conv, Gemm], computing: true}
  - types: [Relu, Add, Mul, Sigmoid, Concat]
  - {types: [Reshape], passive: true}
dispatcher: pointwise
)";

//  x - pre - conv1 - relu1 -+- conv2 -+
//                           +------- add -+- shape - gather - unsqueeze - concat -+
//                                         +----------------------------------- reshape - softmax - sigmoid - relu2 -
//                                         gemm
// Softmax is not quantized by the platform; concat works on integers.
GraphMaker branches() {
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.constant("w", Tensor::from_floats({2, 2, 1, 1}, std::vector<float>{1, 1, 1, 1}));
  g.constant("w2", Tensor::from_floats({32, 1}, std::vector<float>(32, 1.0F)));
  g.constant("c", Tensor::from_floats({1}, std::vector<float>{2}));
  g.constant("index", Tensor::from_ints({}, std::vector<std::int64_t>{0}));
  g.constant("axes", Tensor::from_ints({1}, std::vector<std::int64_t>{0}));
  g.constant("rest", Tensor::from_ints({1}, std::vector<std::int64_t>{-1}));
  g.node("Mul", {"x", "c"}, {"m"}, "pre");
  g.node("Conv", {"m", "w"}, {"a"}, "conv1");
  g.node("Relu", {"a"}, {"b"}, "relu1");
  g.node("Conv", {"b", "w"}, {"d"}, "conv2");
  g.node("Add", {"d", "b"}, {"e"}, "add");
  g.node("Shape", {"e"}, {"sh"}, "shape");
  g.node("Gather", {"sh", "index"}, {"n"}, "gather");
  g.node("Unsqueeze", {"n", "axes"}, {"n1"}, "unsqueeze");
  g.node("Concat", {"n1", "rest"}, {"to"}, "concat");
  g.node("Reshape", {"e", "to"}, {"f"}, "reshape");
  g.node("Softmax", {"f"}, {"s"}, "softmax");
  g.node("Sigmoid", {"s"}, {"t"}, "sigmoid");
  g.node("Relu", {"t"}, {"u"}, "relu2");
  g.node("Gemm", {"u", "w2"}, {"y"}, "gemm");
  g.output("y");
  return g;
}

Names with_verdict(const PassRunner &r, std::uint32_t verdict) {
  Names names;
  for (const auto &[node, dispatch] : r.working.dispatch) {
    if (dispatch.verdict == verdict) names.insert(r.working.model.node(node).name);
  }
  return names;
}

PassRunner dispatched(const std::string &settings) {
  PassRunner r(branches().model, kDispatchPlatform);
  r.run("dispatch", settings);
  return r;
}

const Names kShapes = {"gather", "unsqueeze", "concat"};

TEST_CASE("each dispatcher quantizes what its rule says, and says why of the others") {
  const std::pair<const char *, Names> table[] = {
      {"{method: conservative}", {"conv1", "relu1", "conv2", "add", "reshape", "gemm"}},
      {"{method: conservative, ppq_paths: true}", {"conv1", "relu1", "conv2", "add", "reshape"}},
      {"{method: pplnn}", {"conv1", "relu1", "conv2"}},
      {"{method: aggressive}", {"conv1", "relu1", "conv2", "add", "reshape", "sigmoid", "relu2", "gemm"}},
      {"{method: pointwise}", {"conv1", "conv2", "gemm"}},
      {"{method: perseus}", {"pre", "conv1", "relu1", "conv2", "add", "reshape", "sigmoid", "relu2", "gemm"}},
      {"{}", {"conv1", "conv2", "gemm"}},  // the platform's own
  };
  for (const auto &[settings, expected] : table) {
    CAPTURE(settings);
    PassRunner r = dispatched(settings);
    CHECK(with_verdict(r, HT_DISPATCH_QUANTIZE) == expected);
    CHECK(with_verdict(r, HT_DISPATCH_SHAPE) == kShapes);
    r.run("assign-configs");
    for (const model::Handle node : r.working.model.graph(r.working.model.main_graph()).nodes) {
      const std::string name = r.working.model.node(node).name;
      CAPTURE(name);
      CHECK((r.state(r.output(name)) != "none") == (expected.count(name) != 0));
      CHECK((r.working.float_reasons.count(node) == 0) == (expected.count(name) != 0));
    }
  }
}

TEST_CASE("allin takes all that the platform quantizes; integers stay out of it") {
  PassRunner r = dispatched("{method: allin}");
  CHECK(with_verdict(r, HT_DISPATCH_QUANTIZE) ==
        Names{"pre", "conv1", "relu1", "conv2", "add", "reshape", "sigmoid", "relu2", "gemm"});
  CHECK(with_verdict(r, HT_DISPATCH_SHAPE).empty());
}

TEST_CASE("reasons name the rule, or the platform where that is what hinders") {
  PassRunner r = dispatched("{method: conservative}");
  r.run("assign-configs");
  const auto reason = [&](std::string_view name) { return r.working.float_reasons.at(r.node(name)); };
  CHECK(reason("pre") == "no path of quantizable operators leads to it from a weighted one (dispatcher conservative)");
  CHECK(reason("softmax") == "platform 'test' has no quantized form of Softmax");
  CHECK(reason("relu2") ==
        "no path of quantizable operators leads to it from a weighted one (dispatcher conservative)");
  CHECK(reason("gather") == "it computes shapes, indices or conditions, not data");
}

TEST_CASE("a verdict repeats what the platform says, whose code may know more than its descriptor") {
  for (const char *method : {"conservative", "pplnn", "aggressive", "pointwise", "allin", "perseus"}) {
    CAPTURE(method);
    PassRunner r = dispatched(std::string("{method: ") + method + "}");
    const host::Dispatch &verdict = r.working.dispatch.at(r.node("softmax"));
    CHECK(verdict.verdict == HT_DISPATCH_FLOAT);
    CHECK(verdict.reason == "platform 'test' has no quantized form of Softmax");
  }
}

constexpr std::string_view kCosts = R"(
halftone-platform: 1
id: test
types: {activation: {}, weight: {}}
operators:
  - {types: [Relu], cost: {fixed: 5, element: 1}}
cost: {unit: cycles, float: {fixed: 100}}
)";

TEST_CASE("where a platform says what operators cost, the report has the sum") {
  GraphMaker g;
  g.input("x", {1, 4});
  g.node("Relu", {"x"}, {"r"}, "relu");
  g.node("Softmax", {"r"}, {"y"}, "softmax");
  g.output("y");
  for (const char *name : {"r", "y"}) g.model.set_type(g.at(name), model::test::float_type({1, 4}));
  PassRunner known(g.model, kCosts);
  known.run("dispatch", "{method: allin}");
  CHECK(known.row("cost") == "109 cycles a sample; in float 200");
  g.node("Tanh", {"y"}, {"z"}, "tanh");  // of no known shape
  PassRunner in_part(g.model, kCosts);
  in_part.run("dispatch", "{method: allin}");
  CHECK(in_part.row("cost") == "109 cycles a sample, without 1 that have no hint or no known shape");
  PassRunner none = dispatched("{method: allin}");
  CHECK(none.row("cost").empty());
}

TEST_CASE("what another pass decided stays, and a node that computes shapes never gets a config") {
  PassRunner r(branches().model, kDispatchPlatform);
  r.working.dispatch[r.node("add")] = {HT_DISPATCH_SHAPE, "mine"};
  r.working.dispatch[r.node("pre")] = {HT_DISPATCH_QUANTIZE, ""};
  r.run("dispatch", "{method: conservative}");
  CHECK(r.row("decided before") == "2 nodes");
  r.run("assign-configs");
  CHECK(r.state(r.output("add")) == "none");
  CHECK(r.state(r.input("add", 0)) == "none");
  CHECK(r.working.float_reasons.at(r.node("add")) == "mine");
  CHECK(r.state(r.output("pre")) == "initial");
}

TEST_CASE("what only feeds a shape is told apart, also where it is computed from data of its own") {
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.input("sizes", {4});
  g.constant("w", Tensor::from_floats({2, 2, 1, 1}, std::vector<float>{1, 1, 1, 1}));
  g.node("Conv", {"x", "w"}, {"a"}, "conv");
  g.node("Relu", {"sizes"}, {"r"}, "feeds");
  g.node("Cast", {"r"}, {"i"}, "cast");
  g.node("Reshape", {"a", "i"}, {"y"}, "reshape");
  g.output("y");
  PassRunner r(std::move(g.model), kDispatchPlatform);
  r.run("dispatch", "{method: conservative}");
  CHECK(with_verdict(r, HT_DISPATCH_SHAPE) == Names{"cast", "feeds"});
  CHECK(with_verdict(r, HT_DISPATCH_QUANTIZE) == Names{"conv", "reshape"});
}

TEST_CASE("data of which a shape is taken too stays data") {
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.constant("w", Tensor::from_floats({2, 2, 1, 1}, std::vector<float>{1, 1, 1, 1}));
  g.constant("c", Tensor::from_floats({1}, std::vector<float>{2}));
  g.node("Mul", {"x", "c"}, {"m"}, "pre");
  g.node("Conv", {"m", "w"}, {"a"}, "conv");
  g.node("Add", {"a", "m"}, {"s"}, "add");
  g.node("Shape", {"s"}, {"sh"}, "shape");
  g.node("Reshape", {"s", "sh"}, {"y"}, "reshape");
  g.output("y");
  for (const char *method : {"{method: conservative}", "{method: pointwise}", "{method: pplnn}"}) {
    CAPTURE(method);
    PassRunner r(g.model, kDispatchPlatform);
    r.run("dispatch", method);
    CHECK(with_verdict(r, HT_DISPATCH_SHAPE).empty());
    CHECK(with_verdict(r, HT_DISPATCH_FLOAT).count("pre") == 1);
  }
}

}  // namespace
}  // namespace halftone::test
