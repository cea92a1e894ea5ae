// What `set:` of an override says of one slot. Its keys speak of all inputs or outputs, of one of them by its number,
// or of what they carry.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/setting.h"
#include "core/model/model.h"
#include "core/quant/config.h"

namespace halftone::pipeline {

enum class SlotKind : std::uint8_t { kActivation, kWeight, kBias, kLimit };

// By what ONNX says of the operator's slots, or for an operator that a fusion put in the place of others of theirs, and
// by whether the value is stored in the model. Limits are those of Clip and the fill value of Pad.
class SlotKinds {
 public:
  // The model is kept by reference, as it is now.
  explicit SlotKinds(const model::Model &model);
  SlotKind of(const quant::SlotKey &key) const;
  // No other input of its node is of the same kind.
  bool is_only_one(const quant::SlotKey &key) const;

 private:
  const model::Model &model_;
  std::map<std::pair<model::Handle, std::uint32_t>, std::uint32_t> roles_;  // of inputs in places of fusions
};

// One part of `set:` that changes something.
struct OverridePart {
  std::string path;  // "inputs", "inputs.1", "weights"
  const Setting *changes = nullptr;
  bool speaks_of(const SlotKinds &kinds, const quant::SlotKey &key) const;
  // What it changes, for messages: "input", "input 1", "weight".
  std::string subject() const;
  // The number of a slot that it names; -1 when it names none.
  int slot() const;
  bool is_output() const { return path.starts_with("outputs"); }
};

// What speaks of fewer slots comes later, and goes before the others: all inputs or outputs, then kinds, then numbers.
std::vector<OverridePart> parts_of(const Setting &set);

// What the parts say of a slot together; null where they say nothing.
struct SlotChanges {
  const Setting *state = nullptr, *bits = nullptr, *symmetry = nullptr;
  const Setting *observer = nullptr, *observer_parameters = nullptr;  // of the same part
  const Setting *last = nullptr;                                      // of the parts, for messages
};
SlotChanges changes_for(const std::vector<OverridePart> &parts, const SlotKinds &kinds, const quant::SlotKey &key);

// What `set:` holds to speak of these slots and of no others of their node: "weights: {bits: 4}".
std::string set_yaml(const SlotKinds &kinds, const std::vector<quant::SlotKey> &keys, const std::string &changes);

}  // namespace halftone::pipeline
