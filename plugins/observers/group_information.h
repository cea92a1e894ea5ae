// What the groups of one width say, for all places where such a group may lie.
#pragma once

#include <cstddef>
#include <span>

namespace halftone::observers {

// out[i] = m * log(m / b) of the group of `width` bins from bin `from + i` on, 0 when it is empty; from prefix sums of
// mass and of bins that are not empty. Vector code chosen for the processor at run time; `plain` is its definition,
// with which it agrees bit for bit.
void group_information(std::span<const double> mass, std::span<const double> occupied, std::size_t width,
                       std::size_t from, std::span<double> out);

namespace plain {
void group_information(std::span<const double> mass, std::span<const double> occupied, std::size_t width,
                       std::size_t from, std::span<double> out);
}

// Divides an empty group, and is lost beside any number of bins.
inline constexpr double kNoBins = 1e-300;

}  // namespace halftone::observers
