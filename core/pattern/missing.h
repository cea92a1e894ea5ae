// Why a pattern may occur nowhere.
#pragma once

#include <string>
#include <vector>

#include "core/pattern/pattern.h"

namespace halftone::pattern {

// Operators of the pattern that no graph of the model has, each once, in the order of the text: "Rleu (did you mean
// 'Relu'?)". Of alternatives all have to be missing: "Elu or Selu".
std::vector<std::string> missing_operators(const model::Model &model, const Pattern &pattern);

}  // namespace halftone::pattern
