// From an operator's sockets and a platform's rules to the rule of each slot.
#pragma once

#include "core/host/service/target_service.h"
#include "core/pipeline/data_flow.h"
#include "core/pipeline/platform_descriptor.h"

namespace halftone::pipeline {

// What a slot is to the operator that it was made for; a node that stands for several keeps it.
struct SlotOrigin {
  std::uint32_t role = 0;  // HT_SLOT_*
  std::uint32_t was = 0;   // the same before anything that a new node cannot derive was left in float
  std::optional<std::int32_t> channel_axis,
      block_axis;  // of a weight: what has a scale of its own, and where blocks lie
  friend bool operator==(const SlotOrigin &, const SlotOrigin &) = default;
};

SlotOrigin origin_of(const model::Model &model, const model::Node &node, std::uint32_t slot);

// What all matching operator rules say together: a later rule wins in what it names.
struct ResolvedRule {
  bool found = false;  // some rule names the operator's type, whatever its conditions
  bool matched = false;
  bool passive = false, computing = false;
  std::optional<std::string> float_reason;
  std::map<std::uint32_t, SlotScheme> inputs, outputs;
  std::optional<SlotScheme> all_inputs, all_outputs;
  std::map<std::uint32_t, SlotOrigin> origins;  // of inputs, where the operator does not say itself
  CostHint cost;
};

ResolvedRule resolve_rule(const PlatformDescriptor &platform, const model::Model &model, const model::Node &node);

// Fills out.inputs and out.outputs for a node that is quantized.
void resolve_slots(const PlatformDescriptor &platform, const ResolvedRule &rule, const model::Model &model,
                   const model::Node &node, const DataFlow &flow, host::NodeRule &out);

}  // namespace halftone::pipeline
