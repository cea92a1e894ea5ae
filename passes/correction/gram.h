// Sums of products of integers that are exact, so that no order of samples or threads changes them.
//
// Codes are small integers held as floats. Products are summed in float while every sum stays below 2^24, in double
// below 2^53, and the blocks are added up in double: all of it exact. docs/decisions/0012-exact-gram-sums.md has the
// reasoning.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace halftone::passes {

// Columns of a block whose products, with factors of at most these magnitudes, sum up exactly in float; 0: not even
// two of them do.
std::size_t exact_float_columns(double largest_a, double largest_b);

// gram += x * x^T for x of `rows` x `columns`, column-major; `gram` is rows x rows, of which the lower triangle
// (column-major) is kept up. `scratch` is rows x rows floats.
void add_gram(const float *x, std::size_t rows, std::size_t columns, double largest, double *gram,
              std::vector<float> &scratch);

// cross += y * x^T for y of `outputs` x `columns`, row-major, and x as above; `cross` is outputs x rows, column-major.
void add_cross(const float *y, std::size_t outputs, std::size_t y_stride, const float *x, std::size_t rows,
               std::size_t columns, double *cross);

// The largest sum that is exact, and that of so many terms.
bool sums_are_exact(double terms, double largest_a, double largest_b);

}  // namespace halftone::passes
