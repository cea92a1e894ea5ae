// How far a quantized tensor is from the float one, for one sample and on the average over samples.
#pragma once

#include <cstdint>
#include <span>

namespace halftone::pipeline {

// The measures of PPQ's error analysis (ppq.quantization.measure), over all elements of a sample.
struct ErrorFigures {
  double noise_to_signal = 0;  // sum((q - f)^2) / (sum(f^2) + 1e-7): lower is better
  double cosine = 0;           // 1 where both are zero; higher is better
  double mse = 0;              // sum((q - f)^2) / elements
};

// Both of one sample and of the same size. The order of the sums is fixed.
ErrorFigures compare(std::span<const float> quantized, std::span<const float> floats);

// Averages in the order in which samples are added.
class ErrorMean {
 public:
  void add(const ErrorFigures &sample);
  std::uint64_t samples() const noexcept { return samples_; }
  ErrorFigures mean() const;

 private:
  ErrorFigures sum_;
  std::uint64_t samples_ = 0;
};

}  // namespace halftone::pipeline
