// Element by element, with the widest vectors of the processor. The bits do not depend on their width.
#pragma once

#include <cstddef>

namespace halftone::trainer {

// `to` may be one of the inputs. Not a number stays what it is.
void relu(const float *x, float *to, std::size_t n);
void clip(const float *x, float low, float high, float *to, std::size_t n);
void add(const float *a, const float *b, float *to, std::size_t n);

// The gradient passes where the output y was above 0.
void relu_gradient(const float *y, const float *dy, float *to, std::size_t n);
// The gradient passes where the input x lies within the bounds or at one.
void clip_gradient(const float *x, float low, float high, const float *dy, float *to, std::size_t n);

}  // namespace halftone::trainer
