#include <algorithm>

#include <fmt/core.h>

#include "core/pipeline/fusions.h"

namespace halftone::pipeline {
namespace {

// What a place makes itself, and the constants that belong to what it computes.
bool is_inner_input(const model::Model &model, const FusionPlace &place, Handle node, std::uint32_t slot) {
  const Handle value = model.node(node).inputs[slot];
  if (value == HT_NONE) return false;
  const Handle producer = model.value(value).producer;
  if (producer != HT_NONE && place.contains(model, producer)) return true;
  return std::ranges::any_of(place.inner, [&](const FusionPlace::Slot &inner) {
    return place.nodes[inner.node] == node && inner.slot == slot;
  });
}

// The name that a slot of a node is read under; null where the pattern has none for it.
const std::string *name_of(const FusionPlace &place, Handle node, std::uint32_t slot) {
  for (const auto &[name, slots] : place.inputs) {
    for (const FusionPlace::Slot &read : slots) {
      if (place.nodes[read.node] == node && read.slot == slot) return &name;
    }
  }
  return nullptr;
}

std::optional<SlotScheme> scheme_of(const FusionPoint *point) {
  if (point == nullptr || !point->type) return std::nullopt;
  SlotScheme scheme;
  scheme.type = *point->type;
  scheme.axis = point->axis;
  return scheme;
}

}  // namespace

const SlotOrigin *origin_at(const FusionPlace &place, Handle node, std::uint32_t slot) {
  const std::string *name = name_of(place, node, slot);
  const auto found = name == nullptr ? place.origins.end() : place.origins.find(*name);
  return found == place.origins.end() ? nullptr : &found->second;
}

void shape_rule(const model::Model &model, const FusionSpec &fusion, const FusionPlace &place, Handle handle,
                ResolvedRule &rule) {
  const model::Node &node = model.node(handle);
  rule.found = rule.matched = true;
  rule.passive = false;
  rule.float_reason.reset();
  for (std::uint32_t slot = 0; slot < node.inputs.size(); ++slot) {
    const std::string *name = name_of(place, handle, slot);
    if (fusion.observation == OutputScale::kNone || is_inner_input(model, place, handle, slot)) {
      rule.inputs[slot] = SlotScheme{};
    } else if (name != nullptr) {
      if (const auto scheme = scheme_of(fusion.point(*name))) rule.inputs[slot] = *scheme;
      if (const SlotOrigin *origin = origin_at(place, handle, slot)) rule.origins[slot] = *origin;
    }
  }
  for (std::uint32_t slot = 0; slot < node.outputs.size(); ++slot) {
    const bool own = node.outputs[slot] == place.output && fusion.observation != OutputScale::kNone;
    if (!own) {
      rule.outputs[slot] = SlotScheme{};
    } else if (const auto scheme = scheme_of(fusion.point(fusion.output()))) {
      rule.outputs[slot] = *scheme;
    }
  }
}

void mark_inner(const model::Model &model, const FusionPlace &place, Handle handle, host::NodeRule &out) {
  const model::Node &node = model.node(handle);
  const std::string reason = fmt::format("it lies inside of the fusion '{}'", place.fusion);
  for (std::uint32_t slot = 0; slot < out.inputs.size(); ++slot) {
    const bool in_float = out.inputs[slot].role == HT_SLOT_NONE;
    if (in_float && is_inner_input(model, place, handle, slot)) out.inputs[slot].reason = reason;
  }
  for (std::uint32_t slot = 0; slot < out.outputs.size(); ++slot) {
    const bool in_float = out.outputs[slot].role == HT_SLOT_NONE;
    if (in_float && node.outputs[slot] != place.output) out.outputs[slot].reason = reason;
  }
}

std::vector<Handle> point_configs(const host::WorkingModel &working, const FusionSpec &fusion, const FusionPlace &place,
                                  const std::string &name) {
  std::vector<Handle> configs;
  const auto add = [&](const quant::SlotKey &key) {
    const Handle config = working.configs.find(key);
    if (config != HT_NONE) configs.push_back(config);
  };
  if (name == fusion.output()) {
    if (!working.model.alive(place.output)) return configs;
    const model::Value &value = working.model.value(place.output);
    if (value.producer != HT_NONE) add({value.producer, true, value.producer_slot});
    return configs;
  }
  const auto found = place.inputs.find(name);
  if (found == place.inputs.end()) return configs;
  for (const FusionPlace::Slot &slot : found->second) {
    if (working.model.alive(place.nodes[slot.node])) add({place.nodes[slot.node], false, slot.slot});
  }
  return configs;
}

}  // namespace halftone::pipeline
