#include "core/pipeline/fusion_replacement.h"

#include <algorithm>

#include "core/pattern/expression.h"
#include "core/pattern/replacement.h"
#include "core/pipeline/fusions.h"
#include "core/quant/config_image.h"

namespace halftone::pipeline {
namespace {

using quant::SlotKey;

// Configs that move, by the name of their value.
using Points = std::map<std::string, std::vector<Handle>>;

Points points_of(const host::WorkingModel &working, const FusionSpec &fusion, const FusionPlace &place) {
  Points points;
  for (const auto &[name, slots] : place.inputs) points[name] = point_configs(working, fusion, place, name);
  points[fusion.output()] = point_configs(working, fusion, place, fusion.output());
  // The one whose scale the others read goes first.
  for (auto &[name, configs] : points) {
    std::ranges::stable_partition(configs, [&](Handle config) { return working.configs.source(config) == config; });
  }
  return points;
}

void drop_configs(quant::ConfigTable &configs, const std::vector<model::Node> &old, const std::vector<Handle> &handles,
                  const Points &moving) {
  const auto moves = [&](Handle config) {
    return std::ranges::any_of(
        moving, [&](const auto &entry) { return std::ranges::find(entry.second, config) != entry.second.end(); });
  };
  for (std::size_t i = 0; i < old.size(); ++i) {
    for (const bool is_output : {false, true}) {
      const std::size_t count = is_output ? old[i].outputs.size() : old[i].inputs.size();
      for (std::uint32_t slot = 0; slot < count; ++slot) {
        const Handle config = configs.find({handles[i], is_output, slot});
        if (config != HT_NONE && !moves(config)) configs.remove(config);
      }
    }
  }
}

// As many slots read the value now as before, or others: the first config stays the value's own, and what is more
// reads its scale.
void move_configs(quant::ConfigTable &configs, const std::vector<Handle> &old, const std::vector<SlotKey> &slots) {
  if (old.empty()) return;
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (i < slots.size()) {
      quant::ConfigImage::move_to_slot(configs, old[i], slots[i]);
    } else {
      configs.remove(old[i]);
    }
  }
  if (slots.empty()) return;
  for (std::size_t i = old.size(); i < slots.size(); ++i) {
    const ht_quant_spec spec = configs.get(old.front()).spec;
    configs.set_master(configs.create(slots[i], spec, quant::State::kPassiveInit), old.front());
  }
}

// Where the names of an expression are read by its new nodes.
std::map<std::string, std::vector<FusionPlace::Slot>> slots_of(const pattern::Pattern &expression) {
  std::map<std::string, std::vector<FusionPlace::Slot>> slots;
  for (std::size_t at = 0; at < expression.operations.size(); ++at) {
    const std::vector<pattern::Term> &terms = expression.operations[at].inputs;
    for (std::uint32_t i = 0; i < terms.size(); ++i) {
      if (terms[i].kind == pattern::Term::Kind::kName) slots[expression.names[terms[i].index]].push_back({at, i});
    }
  }
  return slots;
}

std::vector<FusionPlace::Slot> number_slots(const pattern::Pattern &expression) {
  std::vector<FusionPlace::Slot> slots;
  for (std::size_t at = 0; at < expression.operations.size(); ++at) {
    const std::vector<pattern::Term> &terms = expression.operations[at].inputs;
    for (std::uint32_t i = 0; i < terms.size(); ++i) {
      if (terms[i].kind == pattern::Term::Kind::kNumber) slots.push_back({at, i});
    }
  }
  return slots;
}

// Limits and biases have scales that follow from their operator's other inputs. One that the new node does not read
// where that operator did stays in float, as it does where the nodes are not replaced.
void settle_derived(const std::vector<Handle> &original, const model::Node &made, SlotOrigin &origin) {
  if (origin.role == HT_SLOT_BOUND) origin.role = HT_SLOT_NONE;
  if (origin.role != HT_SLOT_BIAS) return;
  const bool same =
      made.inputs.size() > 1 && original.size() > 1 && made.inputs[0] == original[0] && made.inputs[1] == original[1];
  if (!same) origin.role = HT_SLOT_NONE;
}

struct NamedOrigin {
  SlotOrigin origin;
  std::vector<Handle> inputs;  // of the operator
};

std::map<std::string, NamedOrigin> origins_of(const model::Model &model, const FusionPlace &place) {
  std::map<std::string, NamedOrigin> origins;
  for (const auto &[name, slots] : place.inputs) {
    for (const FusionPlace::Slot &slot : slots) {
      if (!model.alive(place.nodes[slot.node])) continue;
      const model::Node &node = model.node(place.nodes[slot.node]);
      if (slot.slot >= node.inputs.size() || !node.domain.empty()) continue;
      origins[name] = {origin_of(model, node, slot.slot), node.inputs};
      break;
    }
  }
  return origins;
}

// Operators of ONNX say themselves what their slots are.
void keep_origins(const model::Model &model, const std::map<std::string, NamedOrigin> &origins, FusionPlace &place) {
  place.origins.clear();
  const model::Node &made = model.node(place.nodes.front());
  if (place.nodes.size() != 1 || made.domain.empty()) return;
  for (const auto &[name, from] : origins) {
    SlotOrigin origin = from.origin;
    settle_derived(from.inputs, made, origin);
    place.origins[name] = origin;
  }
}

}  // namespace

std::vector<Handle> replace_place(host::WorkingModel &working, const FusionSpec &fusion,
                                  const pattern::Pattern &expression, const Folding &folding, FusionPlace &place) {
  model::Model &model = working.model;
  require_nothing_lost(model, fusion, place, folding);
  const Points points = points_of(working, fusion, place);
  pattern::NamedValues values;
  for (const auto &[name, slots] : place.inputs) values[name] = place.value(model, name);
  std::vector<Handle> handles = place.alive(model);
  const std::map<std::string, NamedOrigin> origins = origins_of(model, place);
  std::vector<model::Node> old;
  for (const Handle node : handles) old.push_back(model.node(node));
  drop_configs(working.configs, old, handles, points);
  const auto verdict = working.dispatch.find(place.root(model));
  std::optional<host::Dispatch> dispatch;
  if (verdict != working.dispatch.end()) dispatch = verdict->second;

  const std::vector<Handle> made = pattern::replace(model, expression, handles, values, place.output);
  for (const Handle node : handles) {
    working.float_reasons.erase(node);
    working.dispatch.erase(node);
  }
  if (dispatch) {
    for (const Handle node : made) working.dispatch[node] = *dispatch;
  }
  place.nodes = made;
  place.inputs = slots_of(expression);
  place.inner = number_slots(expression);
  keep_origins(model, origins, place);
  for (const auto &[name, configs] : points) {
    std::vector<SlotKey> slots;
    if (name == fusion.output()) {
      slots.push_back({made.front(), true, 0});
    } else if (const auto found = place.inputs.find(name); found != place.inputs.end()) {
      for (const FusionPlace::Slot &slot : found->second) slots.push_back({made[slot.node], false, slot.slot});
    }
    move_configs(working.configs, configs, slots);
  }
  return made;
}

}  // namespace halftone::pipeline
