// From an operator's sockets and a platform's rules to the rule of each slot.
#pragma once

#include "core/host/service/target_service.h"
#include "core/pipeline/data_flow.h"
#include "core/pipeline/platform_descriptor.h"

namespace halftone::pipeline {

// What all matching operator rules say together: a later rule wins in what it names.
struct ResolvedRule {
  bool found = false;  // some rule names the operator's type, whatever its conditions
  bool matched = false;
  bool passive = false, computing = false;
  std::optional<std::string> float_reason;
  std::map<std::uint32_t, SlotScheme> inputs, outputs;
  std::optional<SlotScheme> all_inputs, all_outputs;
  CostHint cost;
};

ResolvedRule resolve_rule(const PlatformDescriptor &platform, const model::Model &model, const model::Node &node);

// Fills out.inputs and out.outputs for a node that is quantized.
void resolve_slots(const PlatformDescriptor &platform, const ResolvedRule &rule, const model::Model &model,
                   const model::Node &node, const DataFlow &flow, host::NodeRule &out);

}  // namespace halftone::pipeline
