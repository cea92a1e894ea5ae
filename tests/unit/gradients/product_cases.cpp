// Products of matrices, and convolutions.
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
  return out;
}

}  // namespace halftone::test
