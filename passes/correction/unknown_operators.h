// Operators of plug-ins that read a quantized weight: no pass here knows how their outputs follow from it.
#pragma once

#include <string>
#include <vector>

#include "halftone/pass.hpp"

namespace halftone::passes {

struct UnknownOperator {
  std::string name, type;  // of the node; "com.example.PoolLinear"
};

// Nodes of the main graph with an operator of another domain than ONNX's, in the place of a fusion, that have a stored
// weight with a live config. Platforms say of no other such operator what it reads.
std::vector<UnknownOperator> unknown_operators(const sdk::Context &ctx);

// Says in the report which of them a pass leaves as they are.
void report_unknown(const sdk::Context &ctx);

}  // namespace halftone::passes
