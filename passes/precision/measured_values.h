// The values at which a pass looks at what quantization does.
#pragma once

#include <string>
#include <vector>

#include "halftone/pass.hpp"

namespace halftone::passes {

// The results of the model, or the values of these names. Never empty. Throws Failure for one that is not there or that
// no operator makes.
std::vector<ht_handle> measured_values(const sdk::Context &ctx, const std::vector<std::string> &names);

}  // namespace halftone::passes
