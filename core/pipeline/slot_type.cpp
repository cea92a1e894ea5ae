#include "core/pipeline/slot_type.h"

#include "core/pipeline/sockets.h"

namespace halftone::pipeline {
namespace {

const SlotScheme *said_of(const std::map<std::uint32_t, SlotScheme> &slots, const std::optional<SlotScheme> &all,
                          std::uint32_t slot) {
  const auto found = slots.find(slot);
  if (found != slots.end()) return &found->second;
  return all ? &*all : nullptr;
}

}  // namespace

const SlotScheme *said_of_input(const ResolvedRule &rule, std::uint32_t slot) {
  return said_of(rule.inputs, rule.all_inputs, slot);
}

bool names_input(const ResolvedRule &rule, std::uint32_t slot) {
  return rule.inputs.count(slot) != 0;
}

std::uint32_t input_role(const ResolvedRule &rule, const model::Node &node, std::uint32_t slot) {
  const auto origin = rule.origins.find(slot);
  const std::uint32_t role = origin != rule.origins.end() ? origin->second.role : socket_of(node).input(slot);
  const auto says = rule.inputs.find(slot);
  return role == HT_SLOT_NONE && says != rule.inputs.end() && !says->second.is_float() ? HT_SLOT_WEIGHT : role;
}

std::string input_type(const PlatformDescriptor &platform, const ResolvedRule &rule, const model::Model &model,
                       const model::Node &node, std::uint32_t slot) {
  if (node.inputs[slot] == HT_NONE) return {};
  const model::Value &value = model.value(node.inputs[slot]);
  const bool constant = value.initializer.has_value(), named = names_input(rule, slot);
  const SlotScheme *says = said_of_input(rule, slot);
  if (says != nullptr && says->is_float()) return {};
  const auto has = [&](const char *type) { return platform.types.count(type) != 0; };
  // What a rule says of all inputs it says of data; the type of a parameter is named by its slot.
  switch (input_role(rule, node, slot)) {
    case HT_SLOT_NONE:
      return {};
    case HT_SLOT_BOUND:
      return constant ? "activation" : "";
    case HT_SLOT_BIAS:
      if (!constant || (!named && platform.bias_in_float)) return {};
      return named ? says->type : "bias";
    case HT_SLOT_WEIGHT:
      if (constant) return named ? says->type : "weight";
      says = nullptr;  // a weight that is computed is data like any other
      break;
    default:
      if (constant && has("constant")) return named ? says->type : "constant";
      break;
  }
  if (says != nullptr) return says->type;
  return !constant && value.is_input && has("input") ? "input" : "activation";
}

std::string output_type(const ResolvedRule &rule, std::uint32_t slot) {
  const SlotScheme *says = said_of(rule.outputs, rule.all_outputs, slot);
  return says != nullptr ? says->type : "activation";
}

}  // namespace halftone::pipeline
