#include "core/pipeline/place_type.h"

#include "core/pipeline/sockets.h"
#include "core/pipeline/target_slots.h"

namespace halftone::pipeline {
namespace {

struct Reader {
  const model::Node *node = nullptr;
  std::uint32_t slot = 0, role = HT_SLOT_ACTIVATION;
};

// The first that reads a name, or the one of which it is the bias.
Reader reader_of(const model::Model &model, const FusionPlace &place, const std::string &name) {
  Reader reader;
  const auto found = place.inputs.find(name);
  if (found == place.inputs.end()) return reader;
  for (const FusionPlace::Slot &slot : found->second) {
    const model::Node &node = model.node(place.nodes[slot.node]);
    const std::uint32_t role = socket_of(node.domain.empty() ? node.op_type : "").input(slot.slot);
    if (reader.node != nullptr && role != HT_SLOT_BIAS) continue;
    reader = {&node, slot.slot, role};
    if (role == HT_SLOT_BIAS) break;
  }
  return reader;
}

const SlotScheme *named(const std::map<std::uint32_t, SlotScheme> &slots, std::uint32_t slot) {
  const auto found = slots.find(slot);
  return found == slots.end() ? nullptr : &found->second;
}

const SlotScheme *or_all(const SlotScheme *named, const std::optional<SlotScheme> &all) {
  return named != nullptr || !all ? named : &*all;
}

std::string usual_type(const PlatformDescriptor &platform, const model::Value *read, std::uint32_t role) {
  const auto known = [&](const char *type) { return platform.types.count(type) != 0; };
  if (role == HT_SLOT_BIAS) return known("bias") ? "bias" : "";
  const char *parameter = role == HT_SLOT_ACTIVATION ? "constant" : "weight";
  if (read != nullptr && read->initializer && known(parameter)) return parameter;
  if (read != nullptr && read->is_input && known("input")) return "input";
  return known("activation") ? "activation" : "";
}

}  // namespace

std::string type_in_place(const PlatformDescriptor &platform, const model::Model &model, const FusionSpec &fusion,
                          const FusionPlace &place, const std::string &name) {
  const FusionPoint *point = fusion.point(name);
  if (point != nullptr && point->type) return *point->type;
  if (name == fusion.output()) {
    const ResolvedRule rule = resolve_rule(platform, model, model.node(place.root(model)));
    const SlotScheme *says = or_all(named(rule.outputs, 0), rule.all_outputs);
    return says != nullptr ? says->type : usual_type(platform, nullptr, HT_SLOT_ACTIVATION);
  }
  const model::Value &value = model.value(place.value(model, name));
  const Reader reader = reader_of(model, place, name);
  if (reader.node == nullptr) return usual_type(platform, &value, reader.role);
  const ResolvedRule rule = resolve_rule(platform, model, *reader.node);
  // What an operator says of all its inputs it says of data; a parameter's type is named by its slot.
  const bool data = reader.role == HT_SLOT_ACTIVATION && !value.initializer;
  const SlotScheme *says = named(rule.inputs, reader.slot);
  if (data) says = or_all(says, rule.all_inputs);
  return says != nullptr ? says->type : usual_type(platform, &value, reader.role);
}

}  // namespace halftone::pipeline
