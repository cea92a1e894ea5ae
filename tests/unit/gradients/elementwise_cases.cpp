// Functions of one tensor, away from their bends.
#include "tests/unit/gradients/cases.h"

namespace halftone::test {

std::vector<OpCase> elementwise_cases() {
  std::vector<OpCase> out;
  const auto add = [&](const std::string &op, double low, double high, std::int64_t opset = 17,
                       Attributes attributes = {}) {
    const auto salt = static_cast<std::uint32_t>(out.size());
    out.push_back({.op_type = op,
                   .opset = opset,
                   .attributes = std::move(attributes),
                   .inputs = {noise({2, 3, 2}, salt, low, high)}});
  };
  for (const char *op :
       {"Exp",      "Sin",      "Cos", "Tan", "Atan", "Sinh", "Cosh", "Asinh", "Erf",       "Sigmoid",  "Tanh",
        "Softplus", "Softsign", "Neg", "Abs", "Relu", "Elu",  "Selu", "Celu",  "LeakyRelu", "HardSwish"}) {
    add(op, -1.2, 1.3);
  }
  for (const char *op : {"Log", "Sqrt", "Reciprocal"}) add(op, 0.4, 2.0);
  for (const char *op : {"Asin", "Acos", "Atanh"}) add(op, -0.8, 0.8);
  add("Acosh", 1.3, 3.0);
  for (const char *op : {"HardSwish", "HardSigmoid", "Softplus", "Tanh"}) add(op, -5, 5);
  add("HardSigmoid", -4, 4, 17, {{"alpha", real(0.3F)}, {"beta", real(0.4F)}});
  add("ThresholdedRelu", -3, 3);
  add("ThresholdedRelu", -1, 1, 17, {{"alpha", real(0.25F)}});
  add("Elu", -3, 3, 17, {{"alpha", real(0.7F)}});
  add("Selu", -3, 3, 17, {{"alpha", real(1.5F)}, {"gamma", real(1.2F)}});
  add("Celu", -3, 3, 17, {{"alpha", real(2.0F)}});
  add("LeakyRelu", -3, 3, 17, {{"alpha", real(0.2F)}});
  add("Shrink", -1, 1);
  add("Shrink", -2, 2, 17, {{"bias", real(0.3F)}, {"lambd", real(0.8F)}});
  add("Mish", -3, 3, 18);
  add("Swish", -3, 3, 24, {{"alpha", real(1.5F)}});
  add("Gelu", -3, 3, 20);
  add("Gelu", -3, 3, 20, {{"approximate", text("tanh")}});
  const auto microsoft = [&](const std::string &op, std::vector<model::Tensor> inputs, Attributes attributes = {}) {
    out.push_back({.op_type = op,
                   .domain = "com.microsoft",
                   .opset = 1,
                   .attributes = std::move(attributes),
                   .inputs = std::move(inputs)});
  };
  microsoft("Gelu", {noise({4, 3}, 1, -3, 3)});
  microsoft("QuickGelu", {noise({4, 3}, 2, -3, 3)});
  microsoft("QuickGelu", {noise({4, 3}, 2, -3, 3)}, {{"alpha", real(1.0F)}});
  microsoft("FastGelu", {noise({4, 3}, 3, -3, 3)});
  microsoft("FastGelu", {noise({4, 3}, 4, -3, 3), noise({3}, 5)});
  microsoft("BiasGelu", {noise({4, 3}, 6, -3, 3), noise({3}, 7)});
  for (const double high : {0.4, 3.0}) {
    out.push_back({.op_type = "PRelu", .inputs = {noise({2, 3, 4}, 8, -2, high), noise({3, 1}, 9)}});
    out.push_back({.op_type = "PRelu", .inputs = {noise({2, 3, 4}, 8, -2, high), noise({1}, 9)}});
    out.push_back({.op_type = "Clip", .inputs = {noise({3, 5}, 10, -2, high), scalar(-0.5F), scalar(0.75F)}});
  }
  out.push_back({.op_type = "Clip", .inputs = {noise({7}, 11), nothing(), scalar(0.2F)}});
  out.push_back({.op_type = "Clip", .inputs = {noise({7}, 12), scalar(0.1F)}});
  out.push_back({.op_type = "Clip", .inputs = {noise({7}, 13), scalar(0.6F), scalar(-0.4F)}});  // the upper wins
  out.push_back({.op_type = "Clip", .inputs = {noise({7}, 14)}});
  for (const float sharpness : {1.0F, 3.0F}) {  // the example of docs/op-gradients.md, whose kernel takes float32 alone
    out.push_back({.op_type = "SoftGate",
                   .domain = "com.example",
                   .opset = 1,
                   .attributes = {{"sharpness", real(sharpness)}},
                   .inputs = {noise({2, 3}, 15), noise({2, 3}, 16)},
                   .floats = {0, 1},
                   .step = 2e-2,
                   .tolerance = 1e-4});
  }
  return out;
}

}  // namespace halftone::test
