#include "core/pipeline/place_type.h"

#include "core/pipeline/slot_type.h"
#include "core/pipeline/sockets.h"

namespace halftone::pipeline {
namespace {

struct Reader {
  const model::Node *node = nullptr;
  std::uint32_t slot = 0;
};

// The first that reads a name, or the one of which it is the bias.
Reader reader_of(const model::Model &model, const FusionPlace &place, const std::string &name) {
  Reader reader;
  const auto found = place.inputs.find(name);
  if (found == place.inputs.end()) return reader;
  for (const FusionPlace::Slot &slot : found->second) {
    const model::Node &node = model.node(place.nodes[slot.node]);
    const bool is_bias = socket_of(node).input(slot.slot) == HT_SLOT_BIAS;
    if (reader.node != nullptr && !is_bias) continue;
    reader = {&node, slot.slot};
    if (is_bias) break;
  }
  return reader;
}

// Empty where the platform has no type of the name.
std::string known(const PlatformDescriptor &platform, const std::string &type) {
  return platform.types.count(type) != 0 ? type : "";
}

}  // namespace

std::string type_in_place(const PlatformDescriptor &platform, const model::Model &model, const FusionSpec &fusion,
                          const FusionPlace &place, const std::string &name) {
  const FusionPoint *point = fusion.point(name);
  if (point != nullptr && point->type) return *point->type;
  if (name == fusion.output()) {
    return known(platform, output_type(resolve_rule(platform, model, model.node(place.root(model))), 0));
  }
  const Reader reader = reader_of(model, place, name);
  if (reader.node == nullptr) return known(platform, "activation");
  const ResolvedRule rule = resolve_rule(platform, model, *reader.node);
  return known(platform, input_type(platform, rule, model, *reader.node, reader.slot));
}

}  // namespace halftone::pipeline
