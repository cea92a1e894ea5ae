// Sums of many numbers for each place: in an order that does not depend on the width of a vector.
#pragma once

#include <cstddef>
#include <span>

namespace halftone::trainer {

// to[i] = 0 + parts[0][i] + parts[1][i] + ..., in this order.
void sum_in_order(std::span<const float *const> parts, float *to, std::size_t n);

// to[c] is the sum of column c of x, [rows, columns] without gaps. Blocks of rows are summed on their own first, so
// that the error does not grow with the number of rows but with that of blocks.
void sum_of_rows(const float *x, std::size_t rows, std::size_t columns, float *to);

}  // namespace halftone::trainer
