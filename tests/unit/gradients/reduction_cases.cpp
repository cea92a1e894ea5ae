// Reductions, softmaxes and cumulative sums.
#include "tests/unit/gradients/cases.h"

namespace halftone::test {

std::vector<OpCase> reduction_cases() {
  std::vector<OpCase> out;
  std::uint32_t salt = 350;
  for (const char *op : {"ReduceSum", "ReduceMean", "ReduceSumSquare", "ReduceL1", "ReduceL2", "ReduceLogSum",
                         "ReduceLogSumExp", "ReduceMax", "ReduceMin", "ReduceProd"}) {
    const double low = std::string(op) == "ReduceLogSum" ? 0.2 : -1.0;
    const auto add = [&](Attributes attributes, std::vector<model::Tensor> more, std::int64_t opset) {
      std::vector<model::Tensor> inputs = {noise({2, 3, 4}, ++salt, low, 1)};
      inputs.insert(inputs.end(), more.begin(), more.end());
      out.push_back({.op_type = op, .opset = opset, .attributes = std::move(attributes), .inputs = std::move(inputs)});
    };
    add({}, {}, 13);
    add({{"axes", list({1})}, {"keepdims", whole(0)}}, {}, 13);
    add({{"axes", list({0, -1})}}, {}, 13);
    add({{"keepdims", whole(0)}}, {ints({-2})}, 18);
    add({}, {ints({0, 2})}, 18);
    add({{"noop_with_empty_axes", whole(1)}}, {}, 18);
  }
  out.push_back(
      {.op_type = "ReduceProd", .inputs = {model::Tensor::from_floats({2, 3}, std::vector<float>{0, 2, 3, 0, 0, 1})}});
  out.back().attributes = {{"axes", list({1})}};
  for (const char *op : {"Softmax", "LogSoftmax"}) {
    for (const std::int64_t axis : {0, 1, -1}) {
      out.push_back(
          {.op_type = op, .attributes = {{"axis", whole(axis)}}, .inputs = {noise({2, 3, 4}, ++salt, -2, 2)}});
    }
    out.push_back({.op_type = op, .inputs = {noise({3, 5}, ++salt, -2, 2)}});
  }
  for (const std::int64_t exclusive : {0, 1}) {
    for (const std::int64_t reverse : {0, 1}) {
      const Attributes attributes = {{"exclusive", whole(exclusive)}, {"reverse", whole(reverse)}};
      out.push_back({.op_type = "CumSum", .attributes = attributes, .inputs = {noise({2, 3, 2}, ++salt), ints({1})}});
    }
  }
  return out;
}

}  // namespace halftone::test
