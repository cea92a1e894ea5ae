// The logistic function and both Gelus with their derivatives, which several operators share.
#pragma once

#include <cmath>
#include <numbers>

namespace halftone::gradients {

inline double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

// Of x * sigmoid(alpha * x).
inline double swish_derivative(double x, double alpha) {
  const double s = sigmoid(alpha * x);
  return s + alpha * x * s * (1.0 - s);
}

// Of x * Phi(x), Phi the normal distribution.
inline double gelu_derivative(double x) {
  const double phi = std::exp(-0.5 * x * x) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
  return 0.5 * (1.0 + std::erf(x / std::numbers::sqrt2)) + x * phi;
}

// Of its approximation by tanh.
inline double tanh_gelu_derivative(double x) {
  const double root = std::sqrt(2.0 * std::numbers::inv_pi);
  const double t = std::tanh(root * (x + 0.044715 * x * x * x));
  return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * root * (1.0 + 3.0 * 0.044715 * x * x);
}

}  // namespace halftone::gradients
