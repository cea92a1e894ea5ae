// What is to stand in the place of a pattern: an expression in the same language over the names of the pattern.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/pattern/pattern.h"

namespace halftone::pattern {

// Copies all attributes, written `Conv.*`: the name of such an attribute.
inline constexpr std::string_view kAllAttributes = "*";

// The operators of `text` stand for new nodes; its names are those that `of` gives to values from outside. The same
// parser reads both. Throws InvalidArgument, with line:column in the text, for a name that `of` does not have or that
// lies inside of it, for inputs that would be lost, and for what only a search can mean (`_`, `*`, `?`, alternatives).
Pattern parse_expression(std::string_view text, const Pattern &of);

// Names of values from outside that are left when the normalizations behind weighted operators are folded into these.
std::vector<std::string> carried_names(const Pattern &pattern);

// A BatchNormalization that reads the output of Conv, ConvTranspose or Gemm of the same pattern.
bool is_folded_norm(const Pattern &pattern, std::size_t operation);

// "Conv" of "Conv.strides" when some operator of the pattern may be one; empty otherwise.
std::string attribute_owner(std::string_view text, const Pattern &pattern);

}  // namespace halftone::pattern
