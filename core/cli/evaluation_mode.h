// `--mode`: how a quantized model is computed, and what of it ran on integers.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "core/base/setting.h"
#include "core/cli/console.h"
#include "core/host/registry.h"
#include "core/host/session.h"

namespace halftone::cli {

// float, simulated or integer. Throws InvalidArgument for another word.
host::Mode mode_named(const std::string &text);

// What the executor is created with: the arithmetic of the platform that `--platform` names. Throws InvalidArgument for
// a platform that is not known, and beside another mode than integer.
Setting arithmetic_of(const host::Registry &registry, const host::Component &executor, host::Mode mode,
                      const std::string &platform);

// What of a session in integer mode is computed on integers, and which nodes are left in float. Nothing for other
// modes.
void add_integer_coverage(host::Mode mode, const host::Session &session, const host::WorkingModel &working,
                          Table &table, nlohmann::ordered_json &figures);

}  // namespace halftone::cli
