// Softmax of one position, in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace halftone::trainer {

// log softmax of logits[c * stride] / temperature, c below out.size().
inline void log_softmax(const float *logits, std::size_t stride, double temperature, std::vector<double> &out) {
  double most = -HUGE_VAL;
  for (std::size_t c = 0; c < out.size(); ++c) {
    out[c] = static_cast<double>(logits[c * stride]) / temperature;
    most = std::max(most, out[c]);
  }
  double sum = 0;
  for (const double x : out) sum += std::exp(x - most);
  const double shift = most + std::log(sum);
  for (double &x : out) x -= shift;
}

}  // namespace halftone::trainer
