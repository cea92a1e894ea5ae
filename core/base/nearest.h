// The nearest known name, for error messages: "unknown key 'observr'; did you mean 'observer'?".
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace halftone {

// The candidate with the smallest edit distance, or empty when none is closer than a third of the word's length (at
// least 2).
std::string nearest_name(std::string_view word, std::span<const std::string> candidates);

// " (did you mean 'x'?)" or "".
std::string nearest_hint(std::string_view word, std::span<const std::string> candidates);

}  // namespace halftone
