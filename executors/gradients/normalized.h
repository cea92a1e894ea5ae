// The gradient of bringing a set of numbers to mean 0 and variance 1, which all normalizations share.
#pragma once

#include <cmath>
#include <span>
#include <vector>

namespace halftone::gradients {

// Numbers that are normalized together: x-hat = (x - mean) / sqrt(variance + epsilon), or without the mean (root mean
// square).
struct Normalized {
  Normalized(std::vector<double> x, double epsilon, bool centred) : hat(std::move(x)), about_mean(centred) {
    const auto n = static_cast<double>(hat.size());
    double mean = 0, squares = 0;
    for (const double v : hat) mean += about_mean ? v : 0.0;
    mean /= n;
    for (const double v : hat) squares += (v - mean) * (v - mean);
    inverse = 1.0 / std::sqrt(squares / n + epsilon);
    for (double &v : hat) v = (v - mean) * inverse;
  }
  // From the gradient of x-hat to that of x, in place.
  void backward(std::vector<double> &g) const {
    const auto n = static_cast<double>(hat.size());
    double mean = 0, slope = 0;
    for (std::size_t i = 0; i < hat.size(); ++i) {
      mean += about_mean ? g[i] : 0.0;
      slope += g[i] * hat[i];
    }
    for (std::size_t i = 0; i < hat.size(); ++i) g[i] = inverse * (g[i] - mean / n - hat[i] * slope / n);
  }

  std::vector<double> hat;
  bool about_mean;
  double inverse = 0;
};

}  // namespace halftone::gradients
