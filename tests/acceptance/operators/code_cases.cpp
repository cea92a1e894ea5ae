#include "tests/acceptance/operators/cases.h"

namespace halftone::test {
namespace {

ht_dtype byte_type(CaseNet &net) {
  return net.coin() ? HT_U8 : HT_I8;
}

void binary(CaseNet &net, const std::string &op) {
  const ht_dtype type = byte_type(net);
  const std::int64_t n = net.draw(1, 3), c = net.draw(1, 9);
  const model::Shape a = {n, c, net.draw(1, 9)}, b = net.coin() ? a : model::Shape{c, 1};
  net.microsoft(op, {net.codes(type, a), net.scale(), net.zero_point(type), net.codes(type, b), net.scale(),
                     net.zero_point(type), net.scalar(op == "QLinearMul" ? 0.05F : 0.04F), net.zero_point(type)});
}

void unary(CaseNet &net, const std::string &op, const Attributes &attributes, float y_scale) {
  const ht_dtype type = byte_type(net);
  const model::Shape shape = {net.draw(1, 3), net.draw(1, 7), net.draw(2, 20)};
  net.microsoft(op,
                {net.codes(type, shape), net.scale(), net.zero_point(type), net.scalar(y_scale), net.zero_point(type)},
                attributes);
}

// The output's zero point is the least code, as quantizers write it: ONNX Runtime lets codes beyond the type wrap.
void softmax(CaseNet &net) {
  const ht_dtype type = byte_type(net);
  const model::Shape shape = {net.draw(1, 3), net.draw(1, 7), net.draw(2, 20)};
  const auto zero = net.constant(model::Tensor(type, {}, {type == HT_I8 ? std::byte{0x80} : std::byte{0}}));
  net.microsoft("QLinearSoftmax",
                {net.codes(type, shape), net.scale(), net.zero_point(type), net.scalar(1.0F / 128), zero},
                {{"axis", integer(net.draw(-3, 2))}, {"opset", integer(net.coin() ? 13 : 11)}});
}

void average_pool(CaseNet &net) {
  const ht_dtype type = byte_type(net);
  const std::int64_t kernel = net.draw(2, 3), pad = net.draw(0, 1);
  const Attributes attributes = {{"kernel_shape", {Ints{kernel, kernel}}},
                                 {"strides", {Ints{net.draw(1, 2), net.draw(1, 2)}}},
                                 {"pads", {Ints{pad, pad, pad, pad}}},
                                 {"count_include_pad", integer(net.draw(0, 1))}};
  net.microsoft("QLinearAveragePool",
                {net.codes(type, {net.draw(1, 2), net.draw(1, 5), net.draw(5, 9), net.draw(5, 9)}), net.scale(),
                 net.zero_point(type), net.scale(), net.zero_point(type)},
                attributes);
}

void global_pool(CaseNet &net) {
  const ht_dtype type = byte_type(net);
  net.microsoft("QLinearGlobalAveragePool",
                {net.codes(type, {net.draw(1, 2), net.draw(1, 5), net.draw(1, 9), net.draw(1, 9)}), net.scale(),
                 net.zero_point(type), net.scale(), net.zero_point(type)},
                {{"channels_last", integer(0)}});
}

void concat(CaseNet &net) {
  const ht_dtype type = byte_type(net);
  std::vector<model::Handle> inputs = {net.scale(), net.zero_point(type)};
  const std::int64_t outer = net.draw(1, 3), inner = net.draw(1, 4);
  for (std::int64_t i = net.draw(1, 4); i > 0; --i) {
    inputs.push_back(net.codes(type, {outer, net.draw(1, 5), inner}));
    inputs.push_back(net.scale());
    inputs.push_back(net.zero_point(type));
  }
  net.microsoft("QLinearConcat", inputs, {{"axis", integer(1)}});
}

}  // namespace

std::vector<Family> code_families() {
  return {
      {"qlinear_add", kCodes, 18, [](CaseNet &net) { binary(net, "QLinearAdd"); }},
      {"qlinear_mul", kCodes, 18, [](CaseNet &net) { binary(net, "QLinearMul"); }},
      {"qlinear_leaky_relu", kCodes, 18,
       [](CaseNet &net) {
         unary(net, "QLinearLeakyRelu", {{"alpha", real(net.number(0.01F, 0.5F))}}, 0.03F);
       }},
      {"qlinear_sigmoid", kCodes, 18, [](CaseNet &net) { unary(net, "QLinearSigmoid", {}, 1.0F / 200); }},
      {"qlinear_softmax", kCodes, 18, softmax},
      {"qlinear_average_pool", kCodes, 18, average_pool},
      {"qlinear_global_average_pool", kCodes, 18, global_pool},
      {"qlinear_concat", kCodes, 18, concat},
  };
}

}  // namespace halftone::test
