#include "core/pipeline/fusion_place.h"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "core/pattern/expression.h"
#include "halftone/graph_edit.h"

namespace halftone::pipeline {
namespace {

const std::string kNote = std::string(HT_NOTE_PREFIX) + "fusions";
const std::string kNormNote = std::string(HT_NOTE_PREFIX) + "norm-training/";

nlohmann::json slots_json(const std::vector<FusionPlace::Slot> &slots) {
  nlohmann::json list = nlohmann::json::array();
  for (const FusionPlace::Slot &slot : slots) list.push_back({slot.node, slot.slot});
  return list;
}

std::vector<FusionPlace::Slot> slots_from(const nlohmann::json &json) {
  std::vector<FusionPlace::Slot> slots;
  for (const nlohmann::json &pair : json)
    slots.push_back({pair.at(0).get<std::size_t>(), pair.at(1).get<std::uint32_t>()});
  return slots;
}

nlohmann::json origins_json(const std::map<std::string, SlotOrigin> &origins) {
  nlohmann::json list = nlohmann::json::object();
  for (const auto &[name, origin] : origins)
    list[name] = {origin.role, origin.was, origin.channel_axis.value_or(-1), origin.block_axis.value_or(-1)};
  return list;
}

std::map<std::string, SlotOrigin> origins_from(const nlohmann::json &json) {
  const auto axis = [](const nlohmann::json &number) {
    const auto at = number.get<std::int32_t>();
    return at < 0 ? std::nullopt : std::optional(at);
  };
  std::map<std::string, SlotOrigin> origins;
  for (const auto &[name, list] : json.items())
    origins[name] = {list.at(0).get<std::uint32_t>(), list.at(1).get<std::uint32_t>(), axis(list.at(2)),
                     axis(list.at(3))};
  return origins;
}

// An optional input that is absent now may be there later, as a folded normalization brings a bias: where it would be.
void add_absent(const pattern::Pattern &pattern, const std::string &name, std::vector<FusionPlace::Slot> &slots) {
  for (std::size_t at = 0; at < pattern.operations.size(); ++at) {
    const pattern::Operation &operation = pattern.operations[at];
    const bool ordered = std::ranges::none_of(operation.types, [](const pattern::OperatorType &type) {
      return pattern::is_commutative(type.domain, type.type);
    });
    for (std::size_t i = 0; ordered && i < operation.inputs.size(); ++i) {
      const pattern::Term &term = operation.inputs[i];
      const bool here = term.kind == pattern::Term::Kind::kName && pattern.names[term.index] == name;
      if (here) slots.push_back({at, static_cast<std::uint32_t>(i)});
    }
  }
}

// Slots by terms, each under one name: two names may stand for the same value.
void bind_slots(const model::Model &model, const pattern::Pattern &pattern, const pattern::Match &match, std::size_t at,
                std::map<std::string, std::vector<FusionPlace::Slot>> &inputs) {
  const pattern::Operation &operation = pattern.operations[at];
  const model::Node &node = model.node(match.nodes[at]);
  const bool any_order = pattern::is_commutative(node.domain, node.op_type);
  std::vector<bool> taken(node.inputs.size(), false);
  for (std::size_t i = 0; i < operation.inputs.size(); ++i) {
    const pattern::Term &term = operation.inputs[i];
    if (term.kind != pattern::Term::Kind::kName) continue;
    const bool repeated = operation.rest == pattern::Rest::kRepeat && i + 1 == operation.inputs.size();
    const std::vector<Handle> &values = match.values[term.index];
    for (std::size_t slot = any_order ? 0 : i; slot < node.inputs.size(); ++slot) {
      if (!any_order && !repeated && slot != i) break;
      const Handle value = node.inputs[slot];
      if (taken[slot] || value == HT_NONE || std::ranges::find(values, value) == values.end()) continue;
      taken[slot] = true;
      inputs[pattern.names[term.index]].push_back({at, static_cast<std::uint32_t>(slot)});
      if (!repeated) break;
    }
  }
}

bool has_number(const pattern::Operation &operation) {
  return std::ranges::any_of(operation.inputs,
                             [](const pattern::Term &term) { return term.kind == pattern::Term::Kind::kNumber; });
}

}  // namespace

bool FusionPlace::contains(const model::Model &model, Handle node) const {
  return std::ranges::find(nodes, node) != nodes.end() && model.alive(node);
}

std::vector<Handle> FusionPlace::alive(const model::Model &model) const {
  std::vector<Handle> left;
  for (const Handle node : nodes) {
    if (model.alive(node)) left.push_back(node);
  }
  return left;
}

Handle FusionPlace::root(const model::Model &model) const {
  if (!model.alive(output)) return HT_NONE;
  const Handle producer = model.value(output).producer;
  return producer != HT_NONE && contains(model, producer) ? producer : HT_NONE;
}

Handle FusionPlace::value(const model::Model &model, const std::string &name) const {
  const auto found = inputs.find(name);
  if (found == inputs.end()) return HT_NONE;
  for (const Slot &slot : found->second) {
    if (!model.alive(nodes[slot.node])) continue;
    const std::vector<Handle> &values = model.node(nodes[slot.node]).inputs;
    if (slot.slot < values.size()) return values[slot.slot];
  }
  return HT_NONE;
}

std::string shown(const model::Node &node) {
  return fmt::format("{} '{}'", node.op_type, node.name);
}

FusionPlace place_of(const model::Model &model, const FusionSpec &fusion, const pattern::Match &match) {
  FusionPlace place;
  place.fusion = fusion.name;
  place.nodes = match.nodes;
  place.output = model.node(match.nodes.front()).outputs.front();
  for (const Handle output : model.node(match.nodes.front()).outputs) {
    if (output == HT_NONE) continue;
    const model::Value &value = model.value(output);
    if (!value.is_output && value.consumers.empty()) continue;
    place.output = output;
    break;
  }
  for (std::size_t at = 0; at < match.nodes.size(); ++at) bind_slots(model, fusion.pattern, match, at, place.inputs);
  for (std::size_t n = 0; n < fusion.pattern.names.size(); ++n) {
    if (!match.values[n].empty()) continue;
    std::vector<FusionPlace::Slot> slots;
    add_absent(fusion.pattern, fusion.pattern.names[n], slots);
    if (!slots.empty()) place.inputs[fusion.pattern.names[n]] = std::move(slots);
  }
  for (std::size_t at = 0; at < match.nodes.size(); ++at) {
    if (!has_number(fusion.pattern.operations[at])) continue;
    const std::vector<Handle> &read = model.node(match.nodes[at]).inputs;
    for (std::uint32_t slot = 0; slot < read.size(); ++slot) {
      if (read[slot] == HT_NONE || model.value(read[slot]).producer != HT_NONE) continue;
      const FusionPlace::Slot here{at, slot};
      const bool named = std::ranges::any_of(
          place.inputs, [&](const auto &entry) { return std::ranges::find(entry.second, here) != entry.second.end(); });
      if (!named && model.value(read[slot]).initializer) place.inner.push_back(here);
    }
  }
  return place;
}

void note_norm_training(model::Model &model, const FusionSpec &fusion, const FusionPlace &place) {
  if (!fusion.trains_norms) return;
  for (std::size_t at = 0; at < place.nodes.size(); ++at) {
    if (!pattern::is_folded_norm(fusion.pattern, at)) continue;
    const model::Node &norm = model.node(place.nodes[at]);
    if (norm.graph != model.main_graph()) continue;  // in a body a name may be there twice
    model.metadata[kNormNote + model.value(norm.outputs.front()).name] = *fusion.trains_norms ? "batch" : "frozen";
  }
}

std::vector<FusionPlace> read_places(const model::Model &model) {
  std::vector<FusionPlace> places;
  const auto note = model.metadata.find(kNote);
  if (note == model.metadata.end()) return places;
  for (const nlohmann::json &json : nlohmann::json::parse(note->second)) {
    FusionPlace place;
    place.fusion = json.at("fusion");
    place.nodes = json.at("nodes").get<std::vector<Handle>>();
    place.output = json.at("output");
    for (const auto &[name, slots] : json.at("inputs").items()) place.inputs[name] = slots_from(slots);
    place.inner = slots_from(json.at("inner"));
    place.origins = origins_from(json.at("origins"));
    if (place.root(model) != HT_NONE) places.push_back(std::move(place));
  }
  return places;
}

std::vector<FusionPlace> read_places(const model::Model &model, const std::vector<FusionSpec> &fusions) {
  std::vector<FusionPlace> places = read_places(model);
  std::erase_if(places, [&](const FusionPlace &place) {
    return std::ranges::find(fusions, place.fusion, &FusionSpec::name) == fusions.end();
  });
  return places;
}

void write_places(model::Model &model, const std::vector<FusionPlace> &places) {
  nlohmann::json list = nlohmann::json::array();
  for (const FusionPlace &place : places) {
    nlohmann::json inputs = nlohmann::json::object();
    for (const auto &[name, slots] : place.inputs) inputs[name] = slots_json(slots);
    list.push_back({{"fusion", place.fusion},
                    {"nodes", place.nodes},
                    {"output", place.output},
                    {"inputs", inputs},
                    {"inner", slots_json(place.inner)},
                    {"origins", origins_json(place.origins)}});
  }
  model.metadata[kNote] = list.dump();
  model.touch();
}

}  // namespace halftone::pipeline
