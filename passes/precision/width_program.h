// One width for each operator, by an integer program.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace halftone::passes {

// What a candidate of an operator adds to each sum.
struct WidthCost {
  double error = 0;
  double bits = 0;     // of the weights
  double latency = 0;  // in the platform's unit
};

enum class Sum : std::uint8_t { kError, kSize, kLatency };

struct WidthProgram {
  std::vector<std::vector<WidthCost>> operators;  // by operator, by candidate; none is empty
  Sum least = Sum::kError;
  std::optional<double> error, bits, latency;  // that the sums may not exceed
};

// By operator the candidate chosen: of all choices that keep to the limits one with the least sum; nothing when none
// keeps to them. Throws std::runtime_error when the solver fails.
std::optional<std::vector<std::size_t>> solve(const WidthProgram &program);

double total(const WidthProgram &program, const std::vector<std::size_t> &choice, Sum sum);

}  // namespace halftone::passes
