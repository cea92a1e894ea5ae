#include "fold.h"

#include <algorithm>
#include <cmath>

#include "halftone/folded_norm.hpp"

namespace halftone::trainer {

void Fold::find_factors() {
  deviation.resize(count());
  factor.resize(count());
  for (std::size_t c = 0; c < count(); ++c) {
    deviation[c] = std::sqrt(double{variance[c]} + epsilon);
    factor[c] = double{gamma[c]} / deviation[c];
  }
}

bool Fold::factor_is_lost(std::size_t channel) const {
  return !sdk::can_be_divided_out(factor[channel]);
}

std::vector<float> Fold::folded_weight(std::span<const float> w) const {
  std::vector<float> out(w.size());
  channels.for_each_run([&](std::size_t first, std::size_t c) {
    for (std::size_t i = first; i < first + channels.taps; ++i) out[i] = static_cast<float>(double{w[i]} * factor[c]);
  });
  return out;
}

std::vector<float> Fold::folded_bias(std::span<const float> b) const {
  std::vector<float> out(b.size());
  for (std::size_t c = 0; c < out.size(); ++c) {
    const double before = bias_factor * double{b[c]};
    out[c] = static_cast<float>(((before - double{mean[c]}) * factor[c] + double{beta[c]}) / bias_factor);
  }
  return out;
}

void Fold::unfold_weight(std::span<const float> stored, std::span<float> w) const {
  channels.for_each_run([&](std::size_t first, std::size_t c) {
    for (std::size_t i = first; i < first + channels.taps; ++i) {
      const auto found = static_cast<float>(double{stored[i]} / factor[c]);
      if (std::isfinite(found)) w[i] = found;
    }
  });
}

void Fold::unfold_bias(std::span<const float> stored, std::span<float> b) {
  for (std::size_t c = 0; c < b.size(); ++c) {
    const double folded = bias_factor * double{stored[c]};
    if (factor_is_lost(c)) {
      beta[c] = static_cast<float>(folded);
      b[c] = static_cast<float>(double{mean[c]} / bias_factor);
    } else {
      b[c] = static_cast<float>(((folded - double{beta[c]}) / factor[c] + double{mean[c]}) / bias_factor);
    }
  }
}

void Fold::unfold_weight_gradient(std::span<const float> w, std::span<float> gradient,
                                  std::span<double> gamma_sums) const {
  channels.for_each_run([&](std::size_t first, std::size_t c) {
    double sum = 0;
    for (std::size_t i = first; i < first + channels.taps; ++i) {
      sum += double{gradient[i]} * double{w[i]};
      gradient[i] = static_cast<float>(double{gradient[i]} * factor[c]);
    }
    gamma_sums[c] += sum / deviation[c];
  });
}

void Fold::unfold_bias_gradient(std::span<const float> b, std::span<float> gradient, std::span<double> gamma_sums,
                                std::span<double> beta_sums) const {
  for (std::size_t c = 0; c < gradient.size(); ++c) {
    const double arrived = double{gradient[c]} / bias_factor;
    beta_sums[c] += arrived;
    gamma_sums[c] += arrived * (bias_factor * double{b[c]} - double{mean[c]}) / deviation[c];
    gradient[c] = static_cast<float>(double{gradient[c]} * factor[c]);
  }
}

void Fold::find_apart(std::span<const float> w, std::span<const float> seen) {
  std::vector<char> had(count()), has(count());
  channels.for_each_run([&](std::size_t first, std::size_t c) {
    for (std::size_t i = first; i < first + channels.taps; ++i) {
      if (w[i] != 0) had[c] = 1;
      if (seen[i] != 0) has[c] = 1;
    }
  });
  apart.resize(count());
  for (std::size_t c = 0; c < count(); ++c) apart[c] = factor_is_lost(c) || (had[c] != 0 && has[c] == 0) ? 1 : 0;
  any_apart = std::any_of(apart.begin(), apart.end(), [](char is) { return is != 0; });
}

}  // namespace halftone::trainer
