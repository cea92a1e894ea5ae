#include "core/pipeline/override_parts.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/ranges.h>

#include "core/base/shape.h"
#include "core/pipeline/fusion_place.h"
#include "core/pipeline/sockets.h"
#include "halftone/target.h"

namespace halftone::pipeline {

namespace {

constexpr const char *kWeights = "weights", *kBias = "bias", *kActivations = "activations";

bool is_number(const std::string &key) {
  return std::ranges::all_of(key, [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool has_value(const Setting &map) {
  return std::ranges::any_of(map.map(),
                             [](const auto &entry) { return !entry.second.is_null() && !is_number(entry.first); });
}

}  // namespace

SlotKinds::SlotKinds(const model::Model &model) : model_(model) {
  for (const FusionPlace &place : read_places(model)) {
    for (const auto &[name, origin] : place.origins) {
      const auto read = place.inputs.find(name);
      if (read == place.inputs.end()) continue;
      for (const FusionPlace::Slot &slot : read->second) roles_[{place.nodes[slot.node], slot.slot}] = origin.was;
    }
  }
}

SlotKind SlotKinds::of(const quant::SlotKey &key) const {
  const model::Node &node = model_.node(key.node);
  if (key.is_output) return SlotKind::kActivation;
  const auto known = roles_.find({key.node, key.slot});
  const std::uint32_t role = known != roles_.end() ? known->second : socket_of(node).input(key.slot);
  if (role == HT_SLOT_BIAS) return SlotKind::kBias;
  if (role == HT_SLOT_BOUND) return SlotKind::kLimit;
  const model::Handle value = key.slot < node.inputs.size() ? node.inputs[key.slot] : HT_NONE;
  const bool stored = value != HT_NONE && model_.value(value).initializer.has_value();
  return stored ? SlotKind::kWeight : SlotKind::kActivation;
}

bool SlotKinds::is_only_one(const quant::SlotKey &key) const {
  const auto inputs = static_cast<std::uint32_t>(model_.node(key.node).inputs.size());
  for (std::uint32_t slot = 0; slot < inputs; ++slot) {
    if (slot != key.slot && of({key.node, false, slot}) == of(key)) return false;
  }
  return true;
}

int OverridePart::slot() const {
  const std::size_t dot = path.find('.');
  int number = -1;
  if (dot != std::string::npos) std::from_chars(path.data() + dot + 1, path.data() + path.size(), number);
  return number;
}

bool OverridePart::speaks_of(const SlotKinds &kinds, const quant::SlotKey &key) const {
  if (path == kActivations) return kinds.of(key) == SlotKind::kActivation;
  if (path == kWeights) return kinds.of(key) == SlotKind::kWeight;
  if (path == kBias) return kinds.of(key) == SlotKind::kBias;
  return is_output() == key.is_output && (slot() < 0 || static_cast<std::uint32_t>(slot()) == key.slot);
}

std::string OverridePart::subject() const {
  if (path == kBias) return path;
  const std::string singular = path.substr(0, path.find('s'));  // of "outputs.1", "weights"
  return slot() < 0 ? singular : fmt::format("{} {}", singular, slot());
}

std::vector<OverridePart> parts_of(const Setting &set) {
  std::vector<OverridePart> parts;
  for (const char *name : {"inputs", "outputs", kActivations, kWeights, kBias}) {
    const Setting *changes = given(set, name);
    if (changes != nullptr && has_value(*changes)) parts.push_back({name, changes});
  }
  for (const char *name : {"inputs", "outputs"}) {
    const Setting *slots = given(set, name);
    if (slots == nullptr) continue;
    for (const auto &[key, changes] : slots->map()) {
      if (is_number(key) && !changes.is_null() && has_value(changes))
        parts.push_back({fmt::format("{}.{}", name, key), &changes});
    }
  }
  return parts;
}

SlotChanges changes_for(const std::vector<OverridePart> &parts, const SlotKinds &kinds, const quant::SlotKey &key) {
  SlotChanges out;
  const auto take = [](const Setting *&into, const Setting *found) {
    if (found != nullptr) into = found;
  };
  for (const OverridePart &part : parts) {
    if (!part.speaks_of(kinds, key)) continue;
    out.last = part.changes;
    take(out.state, given(*part.changes, "state"));
    take(out.bits, given(*part.changes, "bits"));
    take(out.symmetry, given(*part.changes, "symmetry"));
    if (const Setting *observer = given(*part.changes, "observer")) {
      out.observer = observer;
      out.observer_parameters = given(*part.changes, "observer_parameters");
    }
  }
  return out;
}

std::string set_yaml(const SlotKinds &kinds, const std::vector<quant::SlotKey> &keys, const std::string &changes) {
  std::vector<std::string> named;
  std::string numbered[2];
  for (const quant::SlotKey &key : keys) {
    const SlotKind kind = kinds.of(key);
    const bool stored = kind == SlotKind::kWeight || kind == SlotKind::kBias;
    if (stored && kinds.is_only_one(key)) {
      named.push_back(fmt::format("{}: {{{}}}", kind == SlotKind::kBias ? kBias : kWeights, changes));
    } else {
      std::string &list = numbered[key.is_output ? 1 : 0];
      list += fmt::format("{}{}: {{{}}}", list.empty() ? "" : ", ", key.slot, changes);
    }
  }
  for (const bool outputs : {false, true}) {
    if (!numbered[outputs ? 1 : 0].empty())
      named.push_back(fmt::format("{}: {{{}}}", outputs ? "outputs" : "inputs", numbered[outputs ? 1 : 0]));
  }
  return fmt::format("{}", fmt::join(named, ", "));
}

}  // namespace halftone::pipeline
