// What the configs of a model say about each slot, copied before the exporter edits anything.
#pragma once

#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "halftone/exporter.hpp"
#include "quantization.h"

namespace halftone::exporters {

struct SlotPlan {
  std::uint32_t state = HT_STATE_FP32;
  bool hidden = false;                    // never written as nodes: a parameter shows its quantized value instead
  std::optional<Quantization> quantizer;  // of a live slot or a stored parameter
  std::optional<Quantization> covering;   // of an overlapped slot: the quantizer of the point that covers it
};

class QdqPlan {
 public:
  explicit QdqPlan(const sdk::Context &ctx);
  // Null where there is no config.
  const SlotPlan *input(ht_handle node, std::uint32_t slot) const { return find(node, HT_SLOT_INPUT, slot); }
  const SlotPlan *output(ht_handle node, std::uint32_t slot) const { return find(node, HT_SLOT_OUTPUT, slot); }
  std::size_t size() const { return slots_.size(); }

 private:
  const SlotPlan *find(ht_handle node, std::uint32_t direction, std::uint32_t slot) const;
  std::map<std::tuple<ht_handle, std::uint32_t, std::uint32_t>, SlotPlan> slots_;
};

}  // namespace halftone::exporters
