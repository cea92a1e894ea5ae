#include "core/pattern/node_fit.h"

#include <algorithm>

namespace halftone::pattern {
namespace {

bool has_type(const model::Node &node, const Operation &operation) {
  return operation.types.empty() || std::ranges::any_of(operation.types, [&](const OperatorType &type) {
           return type.type == node.op_type && type.domain == node.domain;
         });
}

bool has_inputs(const model::Node &node, const Operation &operation) {
  const std::size_t count = input_count(node);
  if (operation.rest == Rest::kNone && count > operation.inputs.size()) return false;
  const auto needed = static_cast<std::size_t>(
      std::ranges::count_if(operation.inputs, [](const Term &term) { return !term.optional; }));
  return count >= needed;
}

// Every output that the pattern names is there.
bool has_outputs(const model::Node &node, const Operation &operation) {
  for (std::size_t i = 0; i < operation.outputs.size(); ++i) {
    if (operation.outputs[i] == Operation::kUnnamed) continue;
    if (i >= node.outputs.size() || node.outputs[i] == HT_NONE) return false;
  }
  return true;
}

}  // namespace

std::size_t input_count(const model::Node &node) {
  std::size_t count = node.inputs.size();
  while (count > 0 && node.inputs[count - 1] == HT_NONE) --count;
  return count;
}

bool fits(const model::Model &model, const model::Node &node, const Operation &operation) {
  if (!has_type(node, operation) || !has_inputs(node, operation) || !has_outputs(node, operation)) return false;
  return std::ranges::all_of(operation.attributes, [&](const AttributeTest &test) { return test.holds(model, node); });
}

}  // namespace halftone::pattern
