// Normalizations.
#include "tests/unit/gradients/cases.h"

namespace halftone::test {

std::vector<OpCase> normalization_cases() {
  std::vector<OpCase> out;
  std::uint32_t salt = 400;
  const auto positive = [&](model::Shape shape) { return noise(std::move(shape), ++salt, 0.5, 1.5); };
  const auto any = [&](model::Shape shape) { return noise(std::move(shape), ++salt); };
  out.push_back(
      {.op_type = "BatchNormalization", .inputs = {any({2, 3, 4, 2}), any({3}), any({3}), any({3}), positive({3})}});
  out.push_back({.op_type = "BatchNormalization",
                 .attributes = {{"epsilon", real(0.1F)}},
                 .inputs = {any({4, 3}), any({3}), any({3}), any({3}), positive({3})}});
  out.push_back({.op_type = "BatchNormalization",
                 .attributes = {{"training_mode", whole(1)}},
                 .inputs = {any({2, 3, 4}), any({3}), any({3}), any({3}), positive({3})},
                 .outputs = 3,
                 .unused_outputs = {1, 2}});
  out.push_back(
      {.op_type = "LRN", .attributes = {{"size", whole(3)}, {"alpha", real(0.5F)}}, .inputs = {any({2, 5, 2, 2})}});
  out.push_back({.op_type = "LRN",
                 .attributes = {{"size", whole(4)}, {"alpha", real(0.9F)}, {"beta", real(0.6F)}, {"bias", real(1.5F)}},
                 .inputs = {any({1, 6, 3})}});
  for (const std::int64_t p : {1, 2}) {
    for (const std::int64_t axis : {0, 1, -1}) {
      out.push_back({.op_type = "LpNormalization",
                     .attributes = {{"p", whole(p)}, {"axis", whole(axis)}},
                     .inputs = {any({2, 3, 4})}});
    }
  }
  out.push_back({.op_type = "InstanceNormalization", .inputs = {any({2, 3, 4}), any({3}), any({3})}});
  for (const std::int64_t opset : {18, 21}) {
    const model::Shape parameters = {opset < 21 ? 2 : 4};
    out.push_back({.op_type = "GroupNormalization",
                   .opset = opset,
                   .attributes = {{"num_groups", whole(2)}},
                   .inputs = {any({2, 4, 3}), any(parameters), any(parameters)}});
  }
  for (const std::int64_t axis : {1, -1}) {
    const model::Shape inner = axis == 1 ? model::Shape{3, 4} : model::Shape{4};
    out.push_back({.op_type = "LayerNormalization",
                   .attributes = {{"axis", whole(axis)}},
                   .inputs = {any({2, 3, 4}), any(inner), any({4})}});
    out.push_back({.op_type = "LayerNormalization",
                   .attributes = {{"axis", whole(axis)}},
                   .inputs = {any({2, 3, 4}), any(inner)},
                   .outputs = 3,
                   .unused_outputs = {1, 2}});
    out.push_back({.op_type = "RMSNormalization",
                   .opset = 23,
                   .attributes = {{"axis", whole(axis)}},
                   .inputs = {any({2, 3, 4}), any(inner)}});
    out.push_back({.op_type = "SimplifiedLayerNormalization",
                   .attributes = {{"axis", whole(axis)}},
                   .inputs = {any({2, 3, 4}), any(inner)}});
  }
  const auto skip = [&](const std::string &op, std::vector<model::Tensor> inputs, std::vector<std::size_t> unused) {
    out.push_back({.op_type = op,
                   .domain = "com.microsoft",
                   .opset = 1,
                   .inputs = std::move(inputs),
                   .outputs = 4,
                   .unused_outputs = std::move(unused)});
  };
  skip("SkipLayerNormalization", {any({2, 3, 4}), any({2, 3, 4}), any({4}), any({4}), any({4})}, {1, 2});
  skip("SkipLayerNormalization", {any({2, 3, 4}), any({3, 4}), any({4})}, {1, 2, 3});
  skip("SkipLayerNormalization", {any({2, 3, 4}), any({2, 3, 4}), any({4}), any({4})}, {0, 1, 2});
  skip("SkipSimplifiedLayerNormalization", {any({2, 3, 4}), any({2, 3, 4}), any({4}), any({4})}, {1, 2});
  skip("SkipSimplifiedLayerNormalization", {any({2, 3, 4}), any({3, 4}), any({4})}, {1, 2, 3});
  out.push_back({.op_type = "MeanVarianceNormalization", .inputs = {any({2, 3, 2, 2})}});
  out.push_back(
      {.op_type = "MeanVarianceNormalization", .attributes = {{"axes", list({-1})}}, .inputs = {any({2, 3, 4})}});
  return out;
}

}  // namespace halftone::test
