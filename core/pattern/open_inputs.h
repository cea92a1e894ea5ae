// The inputs of a node that have no term yet.
#pragma once

#include <vector>

#include "core/pattern/node_fit.h"
#include "core/pattern/share_out.h"

namespace halftone::pattern {

using model::Handle;

class OpenInputs {
 public:
  explicit OpenInputs(const model::Node &node) : inputs_(&node.inputs), taken_(input_count(node), false) {}
  // Slots that are not taken, without those that are empty.
  std::vector<std::size_t> slots() const {
    std::vector<std::size_t> open;
    for (std::size_t slot = 0; slot < taken_.size(); ++slot) {
      if (!taken_[slot] && (*inputs_)[slot] != HT_NONE) open.push_back(slot);
    }
    return open;
  }
  std::vector<Handle> values() const {
    std::vector<Handle> open;
    for (const std::size_t slot : slots()) open.push_back(value(slot));
    return open;
  }
  // HT_NONE where the node has no such slot.
  Handle value(std::size_t slot) const { return slot < taken_.size() ? (*inputs_)[slot] : HT_NONE; }
  void take(std::size_t slot) { taken_[slot] = true; }
  void give_back(std::size_t slot) { taken_[slot] = false; }
  // The slot of the value, kAbsent when it has none: of several that are the same value it does not matter which.
  std::size_t take_value(Handle wanted) {
    for (const std::size_t slot : slots()) {
      if (value(slot) != wanted) continue;
      take(slot);
      return slot;
    }
    return kAbsent;
  }

 private:
  const std::vector<Handle> *inputs_;
  std::vector<bool> taken_;
};

}  // namespace halftone::pattern
