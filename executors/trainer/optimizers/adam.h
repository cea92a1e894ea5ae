// The step of Adam (Kingma and Ba 2015), with the widest vectors of the processor; the bits do not depend on their
// width.
#pragma once

#include <cstddef>

namespace halftone::trainer {

// Numbers of one step, with the corrections for the start already taken in.
struct AdamTerms {
  float beta1 = 0, beta2 = 0, epsilon = 0, decay = 0;
  float rate = 0;  // over 1 - beta1^t
  float root = 1;  // of 1 - beta2^t
};

// All of n values; `first` and `second` are the moments.
void adam_step(const AdamTerms &terms, const float *gradients, float *first, float *second, float *values,
               std::size_t n);

}  // namespace halftone::trainer
