// Products of matrices, and convolutions.
#include <string>

#include "tests/unit/gradients/cases.h"

namespace halftone::test {

std::vector<OpCase> product_cases() {
  std::vector<OpCase> out;
  std::uint32_t salt = 700;
  const auto any = [&](model::Shape shape) { return noise(std::move(shape), ++salt); };
  const std::vector<std::pair<model::Shape, model::Shape>> shapes = {
      {{2, 3}, {3, 4}}, {{3}, {3}}, {{3}, {2, 3, 2}}, {{2, 2, 3}, {3}}, {{2, 1, 2, 3}, {4, 3, 2}}, {{2, 3}, {2, 3, 2}}};
  for (const auto &[a, b] : shapes) out.push_back({.op_type = "MatMul", .inputs = {any(a), any(b)}});
  for (const std::int64_t a : {0, 1}) {
    for (const std::int64_t b : {0, 1}) {
      const Attributes attributes = {
          {"alpha", real(1.5F)}, {"beta", real(0.5F)}, {"transA", whole(a)}, {"transB", whole(b)}};
      const model::Shape left = a != 0 ? model::Shape{3, 2} : model::Shape{2, 3};
      const model::Shape right = b != 0 ? model::Shape{4, 3} : model::Shape{3, 4};
      for (const model::Shape &bias : {model::Shape{2, 4}, model::Shape{4}, model::Shape{2, 1}, model::Shape{}}) {
        out.push_back({.op_type = "Gemm", .attributes = attributes, .inputs = {any(left), any(right), any(bias)}});
      }
      out.push_back({.op_type = "Gemm", .attributes = attributes, .inputs = {any(left), any(right)}});
      for (const char *op : {"FusedMatMul", "TransposeMatMul"}) {
        out.push_back({.op_type = op,
                       .domain = "com.microsoft",
                       .opset = 1,
                       .attributes = {{"alpha", real(0.5F)}, {"transA", whole(a)}, {"transB", whole(b)}},
                       .inputs = {any({2, left[0], left[1]}), any(right)}});
      }
    }
  }
  out.push_back({.op_type = "Einsum",
                 .attributes = {{"equation", text("bij,bjk->bik")}},
                 .inputs = {any({2, 2, 3}), any({2, 3, 2})}});
  out.push_back({.op_type = "Einsum",
                 .attributes = {{"equation", text("...ij,...jk")}},
                 .inputs = {any({2, 2, 3}), any({1, 3, 2})}});
  out.push_back({.op_type = "Einsum", .attributes = {{"equation", text("ii->i")}}, .inputs = {any({3, 3})}});
  out.push_back({.op_type = "Einsum",
                 .attributes = {{"equation", text("i,j,ij->")}},
                 .inputs = {any({2}), any({3}), any({2, 3})}});
  return out;
}

std::vector<OpCase> convolution_cases() {
  std::vector<OpCase> out;
  std::uint32_t salt = 900;
  const auto any = [&](model::Shape shape) { return noise(std::move(shape), ++salt); };
  const auto add = [&](const std::string &op, const model::Shape &x, const model::Shape &w, std::int64_t bias,
                       Attributes attributes) {
    std::vector<model::Tensor> inputs = {any(x), any(w)};
    if (bias > 0) inputs.push_back(any({bias}));
    out.push_back({.op_type = op, .attributes = std::move(attributes), .inputs = std::move(inputs)});
  };
  for (const char *activation : {"", "Relu", "Tanh", "Sigmoid", "LeakyRelu", "Clip", "HardSigmoid", "Elu"}) {
    Attributes named = {{"activation", text(activation)}}, listed = named;
    if (std::string(activation) == "Clip" || std::string(activation) == "HardSigmoid") {
      named.emplace_back("activation_alpha", real(-0.4F));
      named.emplace_back("activation_beta", real(0.3F));
      listed.emplace_back("activation_params", model::Attribute{std::vector<float>{-0.4F, 0.3F}});
    } else if (*activation != 0) {
      named.emplace_back("activation_alpha", real(0.6F));
      listed.emplace_back("activation_params", model::Attribute{std::vector<float>{0.6F}});
    }
    out.push_back({.op_type = "FusedGemm",
                   .domain = "com.microsoft",
                   .opset = 1,
                   .attributes = named,
                   .inputs = {any({2, 3}), any({3, 4}), any({4})}});
    out.push_back({.op_type = "FusedConv",
                   .domain = "com.microsoft",
                   .opset = 1,
                   .attributes = listed,
                   .inputs = {any({1, 2, 3, 3}), any({2, 2, 2, 2}), any({2}), any({1, 2, 2, 2})}});
  }
  add("Conv", {2, 3, 4, 4}, {2, 3, 3, 3}, 2, {});
  add("Conv", {1, 4, 5, 4}, {6, 2, 2, 3}, 6,
      {{"group", whole(2)}, {"strides", list({2, 1})}, {"pads", list({1, 0, 0, 2})}, {"dilations", list({2, 1})}});
  add("Conv", {2, 3, 4, 3}, {3, 1, 3, 3}, 0,
      {{"group", whole(3)}, {"auto_pad", text("SAME_UPPER")}, {"strides", list({2, 2})}});
  add("Conv", {1, 2, 4, 4}, {2, 2, 2, 2}, 0, {{"auto_pad", text("SAME_LOWER")}});
  add("Conv", {1, 2, 4, 4}, {2, 2, 2, 2}, 2, {{"auto_pad", text("VALID")}});
  add("Conv", {2, 2, 6}, {3, 2, 3}, 3, {{"pads", list({1, 1})}, {"strides", list({2})}});
  add("Conv", {1, 2, 3, 3, 2}, {2, 2, 2, 2, 2}, 2, {{"pads", list({1, 0, 0, 0, 1, 0})}});
  add("ConvTranspose", {1, 3, 3, 2}, {3, 2, 3, 2}, 2, {{"strides", list({2, 1})}});
  add("ConvTranspose", {2, 4, 2, 3}, {4, 2, 3, 3}, 4,
      {{"group", whole(2)},
       {"strides", list({2, 2})},
       {"pads", list({1, 1, 0, 1})},
       {"output_padding", list({1, 0})},
       {"dilations", list({1, 2})}});
  add("ConvTranspose", {1, 2, 3, 3}, {2, 2, 3, 3}, 0, {{"auto_pad", text("SAME_UPPER")}, {"strides", list({2, 2})}});
  add("ConvTranspose", {1, 2, 3, 3}, {2, 2, 3, 3}, 2, {{"output_shape", list({6, 5})}, {"strides", list({2, 2})}});
  add("ConvTranspose", {1, 2, 4}, {2, 3, 3}, 3, {{"strides", list({2})}});
  add("ConvTranspose", {1, 2, 2, 2, 2}, {2, 2, 2, 1, 2}, 2, {});
  add("Conv", {0, 2, 3, 3}, {2, 2, 2, 2}, 2, {});
  return out;
}

std::vector<OpCase> linear_cases() {
  std::vector<OpCase> out;
  std::uint32_t salt = 1200;
  const auto any = [&](model::Shape shape) { return noise(std::move(shape), ++salt); };
  const auto codes = [](model::Shape shape, const std::vector<int> &values) {
    std::vector<std::byte> bytes;
    for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
    return model::Tensor(HT_I8, std::move(shape), std::move(bytes));
  };
  for (const std::int64_t align : {0, 1}) {
    const Attributes how = {{"align_corners", whole(align)}};
    out.push_back(
        {.op_type = "AffineGrid", .opset = 20, .attributes = how, .inputs = {any({2, 2, 3}), ints({2, 1, 3, 2})}});
    out.push_back(
        {.op_type = "AffineGrid", .opset = 20, .attributes = how, .inputs = {any({1, 3, 4}), ints({1, 1, 2, 3, 2})}});
  }
  out.push_back({.op_type = "Col2Im", .opset = 18, .inputs = {any({2, 8, 4}), ints({3, 3}), ints({2, 2})}});
  out.push_back({.op_type = "Col2Im",
                 .opset = 18,
                 .attributes = {{"pads", list({1, 0, 1, 0})}, {"strides", list({2, 1})}},
                 .inputs = {any({1, 4, 4}), ints({3, 3}), ints({2, 2})}});
  const Ints chosen = {0, 2, -1, 7, 1, 1};
  for (const std::int64_t axis : {0, 1, -1}) {
    out.push_back(
        {.op_type = "OneHot",
         .attributes = {{"axis", whole(axis)}},
         .inputs = {model::Tensor::from_ints({2, 3}, chosen), model::Tensor::from_ints({}, Ints{4}), any({2})}});
  }
  const auto x = codes({2, 4}, {1, -5, 100, 7, -128, 3, 0, 9});
  const auto scales = [&](model::Shape shape) { return noise(std::move(shape), ++salt, 0.1, 0.4); };
  const auto dequantize = [&](const std::string &domain, std::int64_t opset, Attributes how,
                              std::vector<model::Tensor> inputs) {
    out.push_back({.op_type = "DequantizeLinear",
                   .domain = domain,
                   .opset = opset,
                   .attributes = std::move(how),
                   .inputs = std::move(inputs),
                   .floats = {1},
                   .step = 1e-2,
                   .tolerance = 2e-4});
  };
  dequantize("", 13, {}, {x, scales({}), codes({}, {3})});
  dequantize("com.microsoft", 1, {}, {x, scales({}), codes({}, {3})});
  dequantize("", 13, {}, {x, scales({4}), codes({4}, {1, 2, 3, -4})});
  dequantize("", 13, {{"axis", whole(0)}}, {x, scales({2})});
  dequantize("", 21, {{"axis", whole(1)}, {"block_size", whole(2)}}, {x, scales({2, 2})});
  return out;
}

}  // namespace halftone::test
