#include <doctest/doctest.h>

#include "tests/unit/pattern/found.h"

namespace halftone::pattern::test {
namespace {

using model::Attribute;
using model::Tensor;
using model::test::GraphMaker;
using Ints = std::vector<std::int64_t>;

// depthwise (written), plain (everything left to its default)
GraphMaker convs() {
  GraphMaker g;
  g.constant("w", Tensor::from_floats({1, 1, 3, 3}, std::vector<float>(9, 1)));
  const model::Handle conv = g.node("Conv", {"x", "w"}, {"a"}, "depthwise");
  g.model.set_attribute(conv, "group", Attribute{std::int64_t{8}});
  g.model.set_attribute(conv, "kernel_shape", Attribute{Ints{3, 3}});
  g.model.set_attribute(conv, "strides", Attribute{Ints{2, 2}});
  g.model.set_attribute(conv, "pads", Attribute{Ints{1, 1, 0, 1}});
  g.model.set_attribute(conv, "auto_pad", Attribute{std::string("VALID")});
  g.node("Conv", {"a", "w"}, {"y"}, "plain");
  g.output("y");
  return g;
}

TEST_CASE("a number is what every entry equals, a list is compared entry by entry") {
  const GraphMaker g = convs();
  CHECK(found(g.model, "Conv[group=8](*)") == "depthwise");
  CHECK(found(g.model, "Conv[group=8, strides=2](_, w)") == "depthwise");
  CHECK(found(g.model, "Conv[strides=[2, 2]](*)") == "depthwise");
  CHECK(found(g.model, "Conv[strides=[2]](*)") == "");
  CHECK(found(g.model, "Conv[strides=[2, 1]](*)") == "");
  CHECK(found(g.model, "Conv[pads=1](*)") == "");
  CHECK(found(g.model, "Conv[pads=[1,1,0,1]](*)") == "depthwise");
  CHECK(found(g.model, "Conv[group=8, strides=1](*)") == "");
}

TEST_CASE("an attribute that is not written has ONNX's default") {
  const GraphMaker g = convs();
  CHECK(found(g.model, "Conv[group=1](*)") == "plain");
  CHECK(found(g.model, "Conv[strides=1](*)") == "plain");
  CHECK(found(g.model, "Conv[strides=[1, 1], pads=0](*)") == "plain");
  CHECK(found(g.model, "Conv[dilations=1](*)") == "depthwise, plain");
  CHECK(found(g.model, "Conv[auto_pad=NOTSET](*)") == "plain");
  CHECK(found(g.model, "Conv[kernel_shape=3](*)") == "depthwise, plain");  // of the weight
  CHECK(found(g.model, "Conv[kernel_shape=[3, 3]](*)") == "depthwise, plain");
}

TEST_CASE("lists that are not written have as many entries as the kernel asks for") {
  const GraphMaker g = convs();
  CHECK(found(g.model, "Conv[group=1, strides=[1, 1, 1, 1]](*)") == "");
  CHECK(found(g.model, "Conv[strides=[1]](*)") == "");
  CHECK(found(g.model, "Conv[group=1, strides!=[1]](*)") == "plain");
  CHECK(found(g.model, "Conv[pads=[]](*)") == "");
  CHECK(found(g.model, "Conv[pads=[0, 0]](*)") == "");
  CHECK(found(g.model, "Conv[pads=[0, 0, 0, 0]](*)") == "plain");
  CHECK(found(g.model, "Conv[dilations=[1, 1]](*)") == "depthwise, plain");
}

TEST_CASE("the kernel's rank is that of kernel_shape, of the weight or of the input") {
  GraphMaker g;
  g.input("x", {1, 2, 8, 8});
  g.input("w", {2, 2, 3, 3});
  g.node("Conv", {"x", "w"}, {"a"}, "by_weight");
  g.model.set_attribute(g.node("MaxPool", {"a"}, {"b"}, "by_kernel"), "kernel_shape", Attribute{Ints{2}});
  g.node("MaxPool", {"x"}, {"c"}, "by_input");
  g.node("ConvTranspose", {"b", "v"}, {"y"}, "unknown");
  g.output("y");
  g.output("c");
  CHECK(found(g.model, "_[strides=[1, 1]](*)") == "by_weight, by_input");
  CHECK(found(g.model, "_[strides=[1]](*)") == "by_kernel");
  CHECK(found(g.model, "ConvTranspose[strides=1](*)") == "unknown");
  CHECK(found(g.model, "ConvTranspose[strides=[1, 1]](*)") == "");
  CHECK(found(g.model, "ConvTranspose[strides!=[1, 1]](*)") == "");
  CHECK(found(g.model, "ConvTranspose[strides!=[2, 1]](*)") == "unknown");
  CHECK(found(g.model, "Conv[kernel_shape=3](*)") == "by_weight");
  CHECK(found(g.model, "ConvTranspose[kernel_shape!=3](*)") == "");
}

TEST_CASE("pads that are computed in a run equal nothing and differ from nothing") {
  for (const char *mode : {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"}) {
    CAPTURE(mode);
    GraphMaker g;
    g.constant("w", Tensor::from_floats({1, 1, 3, 3}, std::vector<float>(9, 1)));
    g.model.set_attribute(g.node("Conv", {"x", "w"}, {"y"}, "conv"), "auto_pad", Attribute{std::string(mode)});
    g.output("y");
    const bool same = std::string_view(mode).starts_with("SAME");
    CHECK(found(g.model, "Conv[pads=0](*)") == (same ? "" : "conv"));
    CHECK(found(g.model, "Conv[pads!=0](*)") == "");
    CHECK(found(g.model, "Conv[pads!=1](*)") == (same ? "" : "conv"));
  }
  GraphMaker g;
  g.constant("w", Tensor::from_floats({1, 1, 3, 3}, std::vector<float>(9, 1)));
  g.model.set_attribute(g.node("ConvTranspose", {"x", "w"}, {"y"}, "conv"), "output_shape", Attribute{Ints{8, 8}});
  g.output("y");
  CHECK(found(g.model, "ConvTranspose[pads=0](*)") == "");
}

TEST_CASE("what an attribute must not be") {
  const GraphMaker g = convs();
  CHECK(found(g.model, "Conv[group!=1](*)") == "depthwise");
  CHECK(found(g.model, "Conv[group != 8](*)") == "plain");
  CHECK(found(g.model, "_[no_such=1](*)") == "");
  CHECK(found(g.model, "_[no_such!=1](*)") == "depthwise, plain");
}

TEST_CASE("texts, flags, floats and lists of texts") {
  GraphMaker g;
  const model::Handle gemm = g.node("Gemm", {"x", "w"}, {"a"}, "gemm");
  g.model.set_attribute(gemm, "transB", Attribute{std::int64_t{1}});
  g.model.set_attribute(gemm, "alpha", Attribute{0.1F});
  g.model.set_attribute(g.node("Resize", {"a"}, {"b"}, "resize"), "mode", Attribute{std::string("linear")});
  g.model.set_attribute(g.node("RNN", {"b"}, {"y"}, "rnn"), "activations",
                        Attribute{std::vector<std::string>{"Tanh", "Relu"}});
  g.output("y");
  CHECK(found(g.model, "Gemm[transB=true](*)") == "gemm");
  CHECK(found(g.model, "Gemm[transB=1, transA=false](*)") == "gemm");
  CHECK(found(g.model, "Gemm[transB=0](*)") == "");
  CHECK(found(g.model, "Gemm[alpha=0.1, beta=1](*)") == "gemm");
  CHECK(found(g.model, "Gemm[alpha=0.11](*)") == "");
  CHECK(found(g.model, "Resize[mode='linear'](*)") == "resize");
  CHECK(found(g.model, "Resize[mode=\"linear\"](*)") == "resize");
  CHECK(found(g.model, "Resize[mode=linear](*)") == "resize");
  CHECK(found(g.model, "Resize[mode=nearest](*)") == "");
  CHECK(found(g.model, "Resize[mode=1](*)") == "");
  CHECK(found(g.model, "RNN[activations=['Tanh', 'Relu']](*)") == "rnn");
  CHECK(found(g.model, "RNN[activations=['Tanh']](*)") == "");
}

TEST_CASE("attributes of inner operators and of alternatives") {
  GraphMaker g;
  g.model.set_attribute(g.node("Softmax", {"x"}, {"a"}, "softmax"), "axis", Attribute{std::int64_t{1}});
  g.node("Mul", {"a", "z"}, {"y"}, "mul");
  g.output("y");
  CHECK(found(g.model, "Mul(Softmax[axis=1](_), _)") == "mul softmax");
  CHECK(found(g.model, "Mul({Softmax|LogSoftmax}[axis=-1](_), _)") == "");
}

}  // namespace
}  // namespace halftone::pattern::test
