#include <algorithm>
#include <cmath>

#include "core/pipeline/target_slots.h"

namespace halftone::pipeline {
namespace {

using model::Handle;

bool is_constant(const model::Model &model, Handle value) {
  return value != HT_NONE && model.value(value).initializer.has_value();
}

Handle input_of(const model::Node &node, std::uint32_t slot) {
  return slot < node.inputs.size() ? node.inputs[slot] : HT_NONE;
}

// What ONNX takes when the attribute is not written; nullopt where there is no such number.
std::optional<double> default_of(std::string_view attribute) {
  if (attribute == "group" || attribute == "alpha" || attribute == "beta" || attribute == "strides" ||
      attribute == "dilations") {
    return 1.0;
  }
  if (attribute == "pads" || attribute == "transA" || attribute == "transB" || attribute == "ceil_mode") return 0.0;
  return std::nullopt;
}

std::vector<double> numbers_of(const model::Attribute &attribute) {
  if (const auto *i = std::get_if<std::int64_t>(&attribute.data)) return {static_cast<double>(*i)};
  if (const auto *f = std::get_if<float>(&attribute.data)) return {static_cast<double>(*f)};
  if (const auto *is = std::get_if<std::vector<std::int64_t>>(&attribute.data)) return {is->begin(), is->end()};
  if (const auto *fs = std::get_if<std::vector<float>>(&attribute.data)) return {fs->begin(), fs->end()};
  return {};
}

bool holds(const AttributeCondition &condition, const model::Node &node) {
  const auto found = node.attributes.find(condition.name);
  if (const auto *text = std::get_if<std::string>(&condition.wanted)) {
    const auto *have = found == node.attributes.end() ? nullptr : std::get_if<std::string>(&found->second.data);
    const std::string_view unwritten = condition.name == "mode" ? "nearest" : "";
    return have != nullptr ? *have == *text : *text == unwritten;
  }
  const bool written = found != node.attributes.end();
  const std::optional<double> deflt = default_of(condition.name);
  if (!written && !deflt) return false;
  const std::vector<double> have = written ? numbers_of(found->second) : std::vector<double>{*deflt};
  if (have.empty()) return false;
  if (const auto *all = std::get_if<double>(&condition.wanted)) {
    return std::all_of(have.begin(), have.end(), [&](double v) { return v == *all; });
  }
  const auto &list = std::get<std::vector<double>>(condition.wanted);
  if (!written) return std::all_of(list.begin(), list.end(), [&](double v) { return v == *deflt; });
  return have == list;
}

// Spatial extents of the weight, from the weight itself or from the attribute.
std::vector<double> kernel_of(const model::Model &model, const model::Node &node) {
  const Handle weight = input_of(node, 1);
  if (is_constant(model, weight)) {
    const model::Shape &shape = model.value(weight).initializer->shape();
    if (shape.size() > 2) return {shape.begin() + 2, shape.end()};
  }
  const auto found = node.attributes.find("kernel_shape");
  return found == node.attributes.end() ? std::vector<double>{} : numbers_of(found->second);
}

std::int64_t rank_of(const model::Model &model, Handle value) {
  if (value == HT_NONE) return -1;
  const model::Value &v = model.value(value);
  if (v.initializer) return static_cast<std::int64_t>(v.initializer->shape().size());
  return v.type.has_shape ? static_cast<std::int64_t>(v.type.dims.size()) : -1;
}

bool holds(const Condition &when, const model::Model &model, const model::Node &node) {
  const auto attribute_holds = [&](const AttributeCondition &c) { return holds(c, node); };
  if (!std::all_of(when.attributes.begin(), when.attributes.end(), attribute_holds)) return false;
  if (!when.kernel.empty() && kernel_of(model, node) != when.kernel) return false;
  for (const std::uint32_t slot : when.constant_inputs) {
    if (!is_constant(model, input_of(node, slot))) return false;
  }
  for (const std::uint32_t slot : when.dynamic_inputs) {
    if (input_of(node, slot) == HT_NONE || is_constant(model, input_of(node, slot))) return false;
  }
  for (const auto &[slot, rank] : when.input_rank) {
    if (rank_of(model, input_of(node, slot)) != rank) return false;
  }
  return when.min_opset == 0 || model.opset(node.domain) >= when.min_opset;
}

void merge_slots(const std::map<std::uint32_t, SlotScheme> &from, const std::optional<SlotScheme> &all_from,
                 std::map<std::uint32_t, SlotScheme> &to, std::optional<SlotScheme> &all_to) {
  if (all_from) {
    all_to = all_from;
    to.clear();
  }
  for (const auto &[slot, scheme] : from) to[slot] = scheme;
}

}  // namespace

ResolvedRule resolve_rule(const PlatformDescriptor &platform, const model::Model &model, const model::Node &node) {
  const std::string type = node.domain.empty() ? node.op_type : node.domain + "." + node.op_type;
  ResolvedRule out;
  for (const OperatorRule &rule : platform.operators) {
    if (std::find(rule.types.begin(), rule.types.end(), type) == rule.types.end()) continue;
    out.found = true;
    if (!holds(rule.when, model, node)) continue;
    out.matched = true;
    if (rule.passive) out.passive = *rule.passive;
    if (rule.computing) out.computing = *rule.computing;
    // A later rule that says how to quantize the operator lifts an earlier "float".
    out.float_reason = rule.float_reason;
    merge_slots(rule.inputs, rule.all_inputs, out.inputs, out.all_inputs);
    merge_slots(rule.outputs, rule.all_outputs, out.outputs, out.all_outputs);
    out.cost.take(rule.cost);
  }
  return out;
}

}  // namespace halftone::pipeline
