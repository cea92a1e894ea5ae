// Functions of several tensors with broadcasting.
#include "tests/unit/gradients/cases.h"

namespace halftone::test {
namespace {

model::Tensor bools(model::Shape shape, const std::vector<int> &values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return model::Tensor(HT_BOOL, std::move(shape), std::move(bytes));
}

}  // namespace

std::vector<OpCase> binary_cases() {
  std::vector<OpCase> out;
  const std::vector<std::pair<model::Shape, model::Shape>> shapes = {{{2, 3, 4}, {2, 3, 4}}, {{2, 3, 4}, {3, 1}},
                                                                     {{4}, {2, 1, 4}},       {{}, {2, 2}},
                                                                     {{2, 1, 3}, {1, 4, 1}}, {{0, 3}, {1, 3}}};
  std::uint32_t salt = 110;
  for (const auto &[a, b] : shapes) {
    for (const char *op : {"Add", "Sub", "Mul"})
      out.push_back({.op_type = op, .inputs = {noise(a, ++salt), noise(b, ++salt)}});
    for (const char *op : {"Sum", "Mean", "Max", "Min"}) {
      out.push_back({.op_type = op, .inputs = {noise(a, ++salt), noise(b, ++salt), noise(a, ++salt)}});
      out.push_back({.op_type = op, .inputs = {noise(a, ++salt)}});
    }
    out.push_back({.op_type = "Div", .inputs = {noise(a, ++salt), noise(b, ++salt, 0.5, 2)}});
    out.push_back({.op_type = "Div", .inputs = {noise(a, ++salt), noise(b, ++salt, -2, -0.5)}});
    out.push_back({.op_type = "Pow", .inputs = {noise(a, ++salt, 0.5, 2), noise(b, ++salt, -2, 3)}});
    out.push_back({.op_type = "Mod",
                   .attributes = {{"fmod", whole(1)}},
                   .inputs = {noise(a, ++salt, -3, 3), noise(b, ++salt, 0.62, 0.88)}});
  }
  out.push_back({.op_type = "Mod", .inputs = {noise({3, 4}, ++salt, -3, 3), noise({4}, ++salt, 0.6, 0.9)}});
  out.push_back({.op_type = "Pow", .inputs = {noise({3, 2}, ++salt, -2, 2), scalar(2.0F)}, .undefined = {1}});
  out.push_back({.op_type = "Pow", .inputs = {noise({3, 2}, ++salt, -2, 2), ints({3})}});
  out.push_back({.op_type = "Where",
                 .inputs = {bools({2, 1, 3}, {1, 0, 1, 0, 0, 1}), noise({2, 2, 3}, ++salt), noise({2, 1}, ++salt)}});
  out.push_back(
      {.op_type = "Where", .inputs = {bools({2, 3}, {1, 0, 1, 0, 0, 1}), scalar(0.5F), noise({2, 3}, ++salt)}});
  for (OpCase &op : out) {  // straight pieces: a short step stays on one
    if (op.op_type == "Mod" || op.op_type == "Max" || op.op_type == "Min") op.step = 1e-5;
  }
  return out;
}

std::vector<OpCase> constant_cases() {
  std::vector<OpCase> out;
  for (const char *op : {"Floor", "Ceil", "Round", "Sign"})
    out.push_back({.op_type = op, .inputs = {noise({5}, 3, 0.6, 0.9)}});
  out.push_back({.op_type = "Hardmax", .inputs = {noise({2, 5}, 4)}});
  for (const char *op : {"ArgMax", "ArgMin", "Shape", "Size", "IsNaN", "IsInf", "NonZero", "EyeLike"}) {
    out.push_back({.op_type = op, .inputs = {noise({2, 3}, 5)}, .unused_outputs = {0}});
  }
  for (const char *op : {"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}) {
    out.push_back({.op_type = op, .inputs = {noise({2, 3}, 6), noise({3}, 7)}, .unused_outputs = {0}});
  }
  for (const char *op : {"And", "Or", "Xor"}) {
    out.push_back({.op_type = op, .inputs = {bools({2}, {1, 0}), bools({2}, {1, 1})}, .unused_outputs = {0}});
  }
  out.push_back({.op_type = "Not", .inputs = {bools({2}, {1, 0})}, .unused_outputs = {0}});
  out.push_back({.op_type = "ConstantOfShape", .inputs = {ints({2, 2})}});
  out.push_back({.op_type = "Constant", .attributes = {{"value", {model::Tensor(noise({2}, 8))}}}});
  out.push_back({.op_type = "Range", .inputs = {scalar(0.0F), scalar(3.0F), scalar(1.0F)}, .unused_outputs = {0}});
  out.push_back({.op_type = "NonMaxSuppression",
                 .inputs = {noise({1, 3, 4}, 9), noise({1, 1, 3}, 10), ints({2})},
                 .unused_outputs = {0}});
  return out;
}

}  // namespace halftone::test
