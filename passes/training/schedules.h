// How learning rates and AdaRound's regularizer change over the steps.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>

namespace halftone::passes {

enum class RateSchedule { kConstant, kStep, kCosine };

inline RateSchedule schedule_named(std::string_view name) {
  return name == "cosine" ? RateSchedule::kCosine : name == "step" ? RateSchedule::kStep : RateSchedule::kConstant;
}

// What the rate is multiplied with at `step` of `steps`. Step: a tenth after one half and again after two thirds.
inline double rate_factor(RateSchedule schedule, std::uint64_t step, std::uint64_t steps) {
  if (schedule == RateSchedule::kConstant || steps == 0) return 1;
  const double part = static_cast<double>(step) / static_cast<double>(steps);
  if (schedule == RateSchedule::kCosine) return 0.5 * (1 + std::cos(std::numbers::pi * part));
  return (part >= 0.5 ? 0.1 : 1.0) * (part >= 2.0 / 3 ? 0.1 : 1.0);
}

// Nagel et al. 2020: no regularizer while warming up, then one whose exponent falls from `start` to `end`, so that
// rounding is free at first and decided at last.
struct RoundingAnneal {
  double weight = 0.01, warm_up = 0.2, start = 20, end = 2;
};
struct RoundingTerm {
  float weight = 0, beta = 0;
};

inline RoundingTerm rounding_term(const RoundingAnneal &anneal, std::uint64_t step, std::uint64_t steps) {
  const double warm = anneal.warm_up * static_cast<double>(steps), at = static_cast<double>(step);
  if (at < warm || anneal.weight == 0) return {0, static_cast<float>(anneal.start)};
  const double last = static_cast<double>(steps) - 1 - warm;
  const double part = last <= 0 ? 1 : (at - warm) / last;
  return {static_cast<float>(anneal.weight), static_cast<float>(anneal.start + (anneal.end - anneal.start) * part)};
}

}  // namespace halftone::passes
