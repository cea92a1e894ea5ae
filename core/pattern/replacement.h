// Puts the nodes of an expression in the place of others.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/model/model.h"
#include "core/pattern/pattern.h"

namespace halftone::pattern {

using model::Handle;

// What the names of an expression stand for; HT_NONE for an optional input that is absent.
using NamedValues = std::map<std::string, Handle, std::less<>>;

// New nodes for the operators of `expression`, which was checked against the pattern that `old` are an occurrence of;
// `old` go, with the values between them. The root computes `output`. An operator whose type is among the old ones has
// that node's attributes, the n-th of a type those of the n-th, and then its own. Returns one node for each operator,
// in the order of the text. Throws FailedPrecondition for an operator that the model's opset does not have and for an
// attribute to be taken over that has a body.
std::vector<Handle> replace(model::Model &model, const Pattern &expression, const std::vector<Handle> &old,
                            const NamedValues &values, Handle output);

}  // namespace halftone::pattern
