// `halftone inspect --match`: where patterns occur in a model.
#pragma once

#include <string>
#include <vector>

#include "core/model/model.h"

namespace halftone::cli {

// Prints the occurrences of each pattern and how many there are. Throws InvalidArgument for a text that is no pattern.
void print_matches(const model::Model &model, const std::vector<std::string> &patterns);

}  // namespace halftone::cli
