// quant-alignment: the example of two convolutions with a shared reader, every method, both values of force_overlap;
// what TensorFlow Lite's quantization specification demands; single nodes.
#include <doctest/doctest.h>

#include "tests/unit/passes/small_platform.h"

namespace halftone::test {
namespace {

using model::Tensor;
using model::test::GraphMaker;

const std::string kPlatform = text_of({.operators = R"(  - {types: [Conv], computing: true}
  - types: [Relu, Add, Concat, AveragePool, Resize]
  - {types: [MaxPool, Reshape, Slice, Transpose, Pad, Squeeze, Split], passive: true})",
                                       .rest = "fusion: {activations: [Relu], passive: true}"});

GraphMaker with_weight() {
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.constant("w", Tensor::from_floats({2, 2, 1, 1}, std::vector<float>{1, 1, 1, 1}));
  return g;
}

PassRunner calibrated(GraphMaker g, std::map<std::string, std::pair<float, float>> ranges) {
  PassRunner r(std::move(g.model), kPlatform);
  find_quantization_points(r);
  r.ranges.ranges = std::move(ranges);
  r.run("runtime-calibration");
  return r;
}

//  conv1 -- a --+
//               +-- add -- s
//  conv2 -- b --+
//               +-- conv3 -- y
PassRunner shared_reader(const std::string &alignment) {
  GraphMaker g = with_weight();
  g.node("Conv", {"x", "w"}, {"a"}, "conv1");
  g.node("Conv", {"x", "w"}, {"b"}, "conv2");
  g.node("Add", {"a", "b"}, {"s"}, "add");
  g.node("Conv", {"b", "w"}, {"y"}, "conv3");
  g.output("s");
  g.output("y");
  PassRunner r = calibrated(std::move(g), {{"a", {-2.54F, 1}}, {"b", {-1.27F, 1}}, {"s", {-3.81F, 3}}});
  r.run("quant-alignment", alignment);
  return r;
}

struct Expected {
  const char *method;
  bool force;
  double conv1, conv2, add0, add1, conv3, sum;
};

TEST_CASE("the example: every method, with and without force_overlap") {
  const Expected table[] = {
      {"none", false, 0.02, 0.01, 0.02, 0.01, 0.01, 0.03},      {"none", true, 0.02, 0.01, 0.02, 0.01, 0.01, 0.03},
      {"to_large", false, 0.02, 0.01, 0.02, 0.02, 0.01, 0.03},  {"to_large", true, 0.02, 0.02, 0.02, 0.02, 0.02, 0.03},
      {"to_output", false, 0.03, 0.01, 0.03, 0.03, 0.01, 0.03}, {"to_output", true, 0.03, 0.03, 0.03, 0.03, 0.03, 0.03},
      {"to_input", false, 0.02, 0.01, 0.02, 0.01, 0.01, 0.02},  {"to_input", true, 0.02, 0.01, 0.02, 0.01, 0.01, 0.02},
  };
  for (const Expected &e : table) {
    CAPTURE(e.method);
    CAPTURE(e.force);
    const PassRunner r =
        shared_reader(std::string("{elementwise: ") + e.method + ", force_overlap: " + (e.force ? "true}" : "false}"));
    CHECK(r.scale(r.output("conv1")) == doctest::Approx(e.conv1));
    CHECK(r.scale(r.output("conv2")) == doctest::Approx(e.conv2));
    CHECK(r.scale(r.input("add", 0)) == doctest::Approx(e.add0));
    CHECK(r.scale(r.input("add", 1)) == doctest::Approx(e.add1));
    CHECK(r.scale(r.input("conv3", 0)) == doctest::Approx(e.conv3));
    CHECK(r.scale(r.output("add")) == doctest::Approx(e.sum));
  }
}

TEST_CASE("one reach further, as in PPQ, spares what others read unless forced") {
  for (const bool force : {false, true}) {
    CAPTURE(force);
    GraphMaker g = with_weight();
    g.node("Conv", {"x", "w"}, {"c"}, "conv");
    g.node("Relu", {"c"}, {"u"}, "relu");
    g.node("Conv", {"u", "w"}, {"v"}, "conv2");
    g.node("Add", {"v", "u"}, {"s"}, "add");
    g.output("s");
    PassRunner r = calibrated(std::move(g), {{"u", {0, 1.27F}}, {"v", {-2.54F, 0}}, {"s", {-3.81F, 0}}});
    r.run("quant-alignment",
          std::string("{elementwise: to_large, ppq_reach: true, force_overlap: ") + (force ? "true}" : "false}"));
    CHECK(r.state(r.output("relu")) == (force ? "passive" : "activated"));
    CHECK(r.scale(r.input("conv2", 0)) == doctest::Approx(force ? 0.02 : 0.01));
    CHECK(r.scale(r.input("add", 1)) == doctest::Approx(0.02));
  }
}

// https://www.tensorflow.org/lite/performance/quantization_spec: "Input and outputs must all have same
// scale/zero_point" for AVERAGE_POOL_2D, CONCATENATION, MAX_POOL_2D, RESHAPE, RESIZE_BILINEAR, SLICE, PAD, TRANSPOSE,
// SQUEEZE and SPLIT.
TEST_CASE("what TensorFlow Lite demands of operators that move or mix values") {
  GraphMaker g = with_weight();
  g.constant("starts", Tensor::from_ints({1}, std::vector<std::int64_t>{0}));
  g.constant("ends", Tensor::from_ints({1}, std::vector<std::int64_t>{1}));
  g.constant("pads", Tensor::from_ints({8}, std::vector<std::int64_t>{0, 0, 1, 1, 0, 0, 1, 1}));
  g.constant("shape", Tensor::from_ints({2}, std::vector<std::int64_t>{1, -1}));
  const auto branch = [&](const std::string &type, std::vector<std::string> more) {
    g.node("Conv", {"x", "w"}, {type + "_in"}, type + "_conv");
    std::vector<std::string> inputs = {type + "_in"};
    inputs.insert(inputs.end(), more.begin(), more.end());
    g.node(type, inputs, {type + "_out"}, type);
    g.node("Relu", {type + "_out"}, {type + "_end"}, type + "_relu");
    g.output(type + "_out");
    g.output(type + "_end");
  };
  branch("AveragePool", {});
  branch("MaxPool", {});
  branch("Reshape", {"shape"});
  branch("Slice", {"starts", "ends"});
  branch("Pad", {"pads"});
  branch("Transpose", {});
  branch("Squeeze", {});
  branch("Resize", {});
  branch("Split", {});
  g.node("Conv", {"x", "w"}, {"c1"}, "first");
  g.node("Conv", {"x", "w"}, {"c2"}, "second");
  g.node("Concat", {"c1", "c2"}, {"both"}, "Concat");
  g.output("both");
  PassRunner r = calibrated(
      std::move(g),
      {{"AveragePool_in", {-2, 2}}, {"Resize_in", {-3, 3}}, {"c1", {-5, 5}}, {"c2", {-4, 4}}, {"both", {-5, 5}}});
  r.run("quant-alignment", "{pooling: to_output, concat: to_output, resize: to_output, elementwise: none}");
  for (const char *type :
       {"AveragePool", "MaxPool", "Reshape", "Slice", "Pad", "Transpose", "Squeeze", "Resize", "Split", "Concat"}) {
    CAPTURE(type);
    CHECK(r.scale(r.input(type, 0)) == r.scale(r.output(type)));
  }
  CHECK(r.scale(r.input("Concat", 1)) == r.scale(r.output("Concat")));
  CHECK(r.scale(r.output("second")) == r.scale(r.output("Concat")));
}

TEST_CASE("single nodes by name, also of no family") {
  const PassRunner r = shared_reader("{elementwise: to_large, nodes: [\"a*=none\", \"add=to_output\"]}");
  CHECK(r.scale(r.input("add", 0)) == doctest::Approx(0.03));
  CHECK(r.row("by name") == "1 nodes aligned");
  const PassRunner none = shared_reader("{elementwise: to_large, nodes: [\"add=none\"]}");
  CHECK(none.scale(none.input("add", 1)) == doctest::Approx(0.01));
  const PassRunner conv = shared_reader("{elementwise: none, nodes: [\"conv3=to_input\"]}");
  CHECK(conv.scale(conv.output("conv3")) == conv.scale(conv.input("conv3", 0)));
  CHECK_THROWS_WITH(shared_reader("{nodes: [\"ad=none\"]}"),
                    "`nodes` says how to align 'ad', and no node has such a name; leave the entry out or correct it");
  CHECK_THROWS_WITH(
      shared_reader("{nodes: [\"add=large\"]}"),
      "'add=large' in `nodes` is not NAME=METHOD; the method may be none, to_large, to_output or to_input\n"
      "  while pass 'quant-alignment' was created");
}

}  // namespace
}  // namespace halftone::test
