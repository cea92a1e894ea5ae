#include "core/pipeline/analysis/error_figures.h"

#include <cmath>

#include "core/base/error.h"

namespace halftone::pipeline {

namespace {

// Partial sums: term i goes to sum i mod 8. Vector code computes the same, as each sum has its own order.
struct Sums {
  static constexpr std::size_t kLanes = 8;
  double lanes[kLanes] = {};
  double total() const {
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
  }
};

}  // namespace

ErrorFigures compare(std::span<const float> quantized, std::span<const float> floats) {
  if (quantized.size() != floats.size()) {
    fail(Status::kInternal, "tensors of {} and {} elements cannot be compared", quantized.size(), floats.size());
  }
  Sums noise, signal, cross, own;
  const auto term = [&](std::size_t i, std::size_t lane) {
    const double q = quantized[i], f = floats[i], d = q - f;
    noise.lanes[lane] += d * d;
    signal.lanes[lane] += f * f;
    cross.lanes[lane] += q * f;
    own.lanes[lane] += q * q;
  };
  const std::size_t whole = floats.size() / Sums::kLanes * Sums::kLanes;
  for (std::size_t i = 0; i < whole; i += Sums::kLanes) {
    for (std::size_t lane = 0; lane < Sums::kLanes; ++lane) term(i + lane, lane);
  }
  for (std::size_t i = whole; i < floats.size(); ++i) term(i, i - whole);
  ErrorFigures figures;
  figures.noise_to_signal = noise.total() / (signal.total() + 1e-7);
  const bool zero = own.total() == 0 && signal.total() == 0;
  figures.cosine = zero ? 1 : cross.total() / (std::sqrt(own.total()) * std::sqrt(signal.total()) + 1e-30);
  figures.mse = floats.empty() ? 0 : noise.total() / static_cast<double>(floats.size());
  return figures;
}

void ErrorMean::add(const ErrorFigures &sample) {
  sum_.noise_to_signal += sample.noise_to_signal;
  sum_.cosine += sample.cosine;
  sum_.mse += sample.mse;
  ++samples_;
}

ErrorFigures ErrorMean::mean() const {
  const double n = samples_ == 0 ? 1 : static_cast<double>(samples_);
  return {sum_.noise_to_signal / n, sum_.cosine / n, sum_.mse / n};
}

}  // namespace halftone::pipeline
