// Inputs for terms that could change places: `_` and names that occur once.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

namespace halftone::pattern {

inline constexpr std::size_t kAbsent = std::numeric_limits<std::size_t>::max();

// Gives each term one input, in the order of both; an optional term goes without, kAbsent, where that leaves too few.
// Inputs with `must` are all given away; with `keep_one` one at least is not. nullopt when that is impossible. Of all
// ways it is the first: nothing has to be tried twice.
std::optional<std::vector<std::size_t>> share_out(const std::vector<bool> &term_is_optional,
                                                  const std::vector<bool> &must, bool keep_one);

}  // namespace halftone::pattern
