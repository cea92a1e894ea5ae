// The type that a platform gives to what an operator reads and makes, by name.
#pragma once

#include <string>

#include "core/pipeline/target_slots.h"

namespace halftone::pipeline {

// HT_SLOT_*: what an input is to the operator, or to the one that it was made for. A descriptor may quantize a
// parameter that operators leave in float, such as the scale of a normalization.
std::uint32_t input_role(const ResolvedRule &rule, const model::Node &node, std::uint32_t slot);

// What the rule says of the input or of all of them, or nullptr.
const SlotScheme *said_of_input(const ResolvedRule &rule, std::uint32_t slot);

// Whether the rule names the slot, not only all of them.
bool names_input(const ResolvedRule &rule, std::uint32_t slot);

// Empty for one in float. The platform need not have a type of the name, where it is not one that a rule says.
std::string input_type(const PlatformDescriptor &platform, const ResolvedRule &rule, const model::Model &model,
                       const model::Node &node, std::uint32_t slot);
std::string output_type(const ResolvedRule &rule, std::uint32_t slot);

}  // namespace halftone::pipeline
