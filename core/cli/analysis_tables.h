// Variables and parameters of an analysis as tables, in lines of at most 100 columns; docs/analysis.md describes both.
#pragma once

#include <string>
#include <vector>

#include "core/pipeline/analysis/parameters.h"
#include "core/pipeline/analysis/variables.h"

namespace halftone::cli {

// The `most` with the largest error of their quantizer, the largest first, and how many more there are.
std::string variables_table(const std::vector<pipeline::Variable> &variables, std::size_t most);
std::string parameters_table(const std::vector<pipeline::Parameter> &parameters, std::size_t most);

// The end of a long name, which tells more than its beginning.
std::string shortened(const std::string &name, std::size_t most);

// As many cells of `most` as `share` says.
std::string bar_text(double share, std::size_t most);

}  // namespace halftone::cli
