// Every tensor quantization config as JSON, in the form that other toolkits' dumps are compared in.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/host/context.h"

namespace halftone::pipeline {

// {"operations": [{"op", "type", "platform", "quantized", "inputs": [...], "outputs": [...]}]} in topological order;
// one record for each slot: var, is_parameter, state, bits, policy, qmin, qmax, rounding, channel_axis, observer,
// visibility, scale, offset, and for a config that is not its own root master_or_dominator ("op/variable") with
// master_slot. Our additions: reason, set_by, rule.
// `choices` are those for the platform's settings.
using PlatformChoices = std::vector<std::pair<std::string, std::string>>;
std::string configs_to_json(const host::WorkingModel &working, const std::string &platform,
                            const PlatformChoices &choices = {});

}  // namespace halftone::pipeline
