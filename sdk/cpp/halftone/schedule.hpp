// Learning rates and other numbers that change over the steps of a training, for passes: plain functions of the step.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace halftone::sdk {

enum class RateShape { kConstant, kStep, kCosine };

// The rate of each of `steps` steps, counted from 0.
struct RateSchedule {
  RateShape shape = RateShape::kConstant;
  double rate = 1e-3;
  std::uint64_t steps = 1;    // of the whole training, warm-up included
  std::uint64_t warm_up = 0;  // steps in which the rate grows in equal parts: rate * (step + 1) / (warm_up + 1)
  std::uint64_t every = 1;    // kStep: the rate is multiplied by `factor` each time so many steps have passed
  double factor = 0.1;
  double least = 0.0;  // kCosine: where half a cosine from `rate` would be one step after the last

  double at(std::uint64_t step) const {
    if (step < warm_up) return rate * static_cast<double>(step + 1) / static_cast<double>(warm_up + 1);
    const std::uint64_t passed = step - warm_up;
    if (shape == RateShape::kStep) {
      return rate * std::pow(factor, static_cast<double>(passed / std::max<std::uint64_t>(every, 1)));
    }
    if (shape == RateShape::kConstant) return rate;
    constexpr double kPi = 3.14159265358979323846;
    const double length = static_cast<double>(steps > warm_up ? steps - warm_up : 1);
    const double part = std::min(static_cast<double>(passed) / length, 1.0);
    return least + (rate - least) * (1 + std::cos(kPi * part)) / 2;
  }
};

// The exponent beta of AdaRound's regularizer (Nagel et al. 2020): after a part of the steps in which the regularizer
// is off, beta falls from `from` to `to`, in a line (BRECQ, MQBench) or in half a cosine (PPQ).
struct Annealing {
  double from = 20, to = 2;
  double warm_up = 0.2;  // part of all steps
  std::uint64_t steps = 1;
  bool cosine = false;

  bool active(std::uint64_t step) const { return static_cast<double>(step) >= warm_up * static_cast<double>(steps); }
  double at(std::uint64_t step) const {
    if (!active(step)) return from;
    const double first = warm_up * static_cast<double>(steps), length = static_cast<double>(steps) - first;
    const double part = length > 0 ? std::min((static_cast<double>(step) - first) / length, 1.0) : 1.0;
    constexpr double kPi = 3.14159265358979323846;
    return to + (from - to) * (cosine ? (1 + std::cos(kPi * part)) / 2 : 1 - part);
  }
};

}  // namespace halftone::sdk
