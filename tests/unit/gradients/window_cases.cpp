// Pools in one, two and three dimensions.
#include "tests/unit/gradients/cases.h"

namespace halftone::test {

std::vector<OpCase> window_cases() {
  std::vector<OpCase> out;
  std::uint32_t salt = 200;
  const std::vector<Attributes> forms = {
      {{"kernel_shape", list({2, 2})}, {"strides", list({2, 2})}},
      {{"kernel_shape", list({3, 2})}, {"strides", list({2, 1})}, {"pads", list({1, 0, 1, 1})}},
      {{"kernel_shape", list({3, 3})}, {"strides", list({2, 2})}, {"ceil_mode", whole(1)}},
      {{"kernel_shape", list({2, 2})}, {"dilations", list({2, 1})}, {"strides", list({1, 2})}},
      {{"kernel_shape", list({3, 3})}, {"strides", list({2, 2})}, {"auto_pad", text("SAME_UPPER")}},
      {{"kernel_shape", list({2, 3})}, {"auto_pad", text("SAME_LOWER")}},
      {{"kernel_shape", list({2, 2})}, {"auto_pad", text("VALID")}, {"strides", list({3, 1})}}};
  for (const Attributes &form : forms) {
    out.push_back({.op_type = "MaxPool", .opset = 19, .attributes = form, .inputs = {noise({2, 2, 5, 6}, ++salt)}});
    for (const std::int64_t include : {0, 1}) {
      Attributes more = form;
      more.emplace_back("count_include_pad", whole(include));
      out.push_back(
          {.op_type = "AveragePool", .opset = 19, .attributes = more, .inputs = {noise({2, 2, 5, 6}, ++salt)}});
    }
    for (const std::int64_t p : {1, 2, 3}) {
      Attributes more = form;
      more.emplace_back("p", whole(p));
      out.push_back(
          {.op_type = "LpPool", .opset = 19, .attributes = more, .inputs = {noise({1, 2, 5, 6}, ++salt, 0.1, 1)}});
    }
  }
  out.push_back({.op_type = "MaxPool", .attributes = forms[1], .inputs = {noise({1, 1, 5, 4}, ++salt)}, .outputs = 2});
  for (const char *op : {"MaxPool", "AveragePool", "LpPool"}) {
    out.push_back({.op_type = op,
                   .attributes = {{"kernel_shape", list({3})}, {"pads", list({1, 1})}},
                   .inputs = {noise({2, 2, 7}, ++salt)}});
    out.push_back({.op_type = op,
                   .attributes = {{"kernel_shape", list({2, 2, 2})}, {"strides", list({1, 2, 1})}},
                   .inputs = {noise({1, 2, 3, 4, 3}, ++salt)}});
  }
  for (const char *op : {"GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"}) {
    out.push_back({.op_type = op, .inputs = {noise({2, 3, 4, 2}, ++salt)}});
    out.push_back({.op_type = op, .inputs = {noise({2, 3, 5}, ++salt)}});
  }
  out.push_back({.op_type = "GlobalLpPool", .attributes = {{"p", whole(3)}}, .inputs = {noise({2, 3, 5}, ++salt)}});
  return out;
}

}  // namespace halftone::test
