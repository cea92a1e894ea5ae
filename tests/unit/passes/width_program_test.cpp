// The integer program of mixed precision against every choice that there is.
#include "passes/precision/width_program.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

namespace halftone::passes {
namespace {

bool within(double sum, const std::optional<double> &limit) {
  return !limit || sum <= *limit + 1e-9 * std::abs(*limit);
}

// The least sum of all choices that keep to the limits.
std::optional<double> brute_force(const WidthProgram &program) {
  std::optional<double> best;
  std::vector<std::size_t> choice(program.operators.size(), 0);
  for (;;) {
    if (within(total(program, choice, Sum::kError), program.error) &&
        within(total(program, choice, Sum::kSize), program.bits) &&
        within(total(program, choice, Sum::kLatency), program.latency)) {
      const double sum = total(program, choice, program.least);
      if (!best || sum < *best) best = sum;
    }
    std::size_t i = 0;
    while (i < choice.size() && ++choice[i] == program.operators[i].size()) choice[i++] = 0;
    if (i == choice.size()) return best;
  }
}

// Widths 2, 4, 8 as they are in a network: sizes over three orders of magnitude, errors over eight.
WidthProgram made(std::mt19937 &random) {
  const auto pick = [&](double low, double high) { return std::uniform_real_distribution<double>(low, high)(random); };
  WidthProgram program;
  const int operators = std::uniform_int_distribution<int>(1, 7)(random);
  for (int i = 0; i < operators; ++i) {
    const double elements = std::floor(std::pow(10, pick(1, 4))), error = std::pow(10, pick(-6, 2));
    std::vector<WidthCost> &candidates = program.operators.emplace_back();
    for (const double bits : {2.0, 4.0, 8.0}) {
      if (candidates.empty() || pick(0, 1) < 0.8)
        candidates.push_back(
            {error * std::pow(4, 2 - bits) * pick(0.5, 2), elements * bits, elements * pick(0.5, bits)});
    }
  }
  program.least = std::array{Sum::kError, Sum::kSize, Sum::kLatency}[std::uniform_int_distribution<int>(0, 2)(random)];
  // Limits between the least and the most that the candidates come to, and sometimes out of reach.
  const auto limit = [&](Sum sum) {
    double low = 0, high = 0;
    for (const auto &candidates : program.operators) {
      std::vector<double> parts;
      for (const WidthCost &c : candidates)
        parts.push_back(sum == Sum::kError ? c.error : sum == Sum::kSize ? c.bits : c.latency);
      low += *std::min_element(parts.begin(), parts.end());
      high += *std::max_element(parts.begin(), parts.end());
    }
    return low + (high - low) * pick(-0.1, 1);
  };
  if (program.least != Sum::kError && pick(0, 1) < 0.7) program.error = limit(Sum::kError);
  if (program.least != Sum::kSize && pick(0, 1) < 0.7) program.bits = limit(Sum::kSize);
  if (program.least != Sum::kLatency && pick(0, 1) < 0.4) program.latency = limit(Sum::kLatency);
  return program;
}

TEST_CASE("the choice is the best of all choices that keep to the limits") {
  std::mt19937 random(7);
  int impossible = 0, limited = 0;
  for (int round = 0; round < 1500; ++round) {
    CAPTURE(round);
    const WidthProgram program = made(random);
    const std::optional<double> best = brute_force(program);
    const auto choice = solve(program);
    REQUIRE(choice.has_value() == best.has_value());
    if (!choice) {
      ++impossible;
      continue;
    }
    limited += program.bits || program.error || program.latency ? 1 : 0;
    REQUIRE(choice->size() == program.operators.size());
    CHECK(within(total(program, *choice, Sum::kError), program.error));
    CHECK(within(total(program, *choice, Sum::kSize), program.bits));
    CHECK(within(total(program, *choice, Sum::kLatency), program.latency));
    double largest = 0;
    for (const auto &candidates : program.operators) {
      for (const WidthCost &c : candidates) {
        largest = std::max(largest, std::abs(program.least == Sum::kError  ? c.error
                                             : program.least == Sum::kSize ? c.bits
                                                                           : c.latency));
      }
    }
    // The solver's own tolerance is relative to the largest number in the sum.
    CHECK(total(program, *choice, program.least) <= *best + 1e-6 * largest);
  }
  CHECK(impossible > 5);
  CHECK(limited > 100);
}

TEST_CASE("a limit that is met exactly is kept to, and one below is not") {
  WidthProgram program;
  for (int i = 0; i < 4; ++i) program.operators.push_back({{9, 200, 0}, {1, 400, 0}, {0.01, 800, 0}});
  program.bits = 1600;
  const auto exact = solve(program);
  REQUIRE(exact);
  CHECK(total(program, *exact, Sum::kSize) == 1600);
  CHECK(*exact == std::vector<std::size_t>{1, 1, 1, 1});
  program.bits = 799;
  CHECK(!solve(program));
}

TEST_CASE("errors below zero, of a metric that got better, are as good as any") {
  WidthProgram program;
  program.operators = {{{-0.5, 2, 0}, {0, 8, 0}}, {{0.25, 2, 0}, {-0.25, 8, 0}}};
  program.bits = 10;
  CHECK(solve(program) == std::vector<std::size_t>{0, 1});
}

TEST_CASE("two hundred operators take no longer than a run can spare") {
  std::mt19937 random(3);
  WidthProgram program;
  double bits = 0;
  for (int i = 0; i < 200; ++i) {
    const double elements = std::uniform_int_distribution<int>(100, 400000)(random);
    const double error = std::uniform_real_distribution<double>(1e-5, 1)(random);
    program.operators.push_back(
        {{error, 2 * elements, 0}, {error / 20, 4 * elements, 0}, {error / 5000, 8 * elements, 0}});
    bits += 4 * elements;
  }
  program.bits = bits;
  const auto choice = solve(program);
  REQUIRE(choice);
  CHECK(total(program, *choice, Sum::kSize) <= bits * (1 + 1e-9));
  // Better than 4 bits for all of them, which takes as much.
  CHECK(total(program, *choice, Sum::kError) < total(program, std::vector<std::size_t>(200, 1), Sum::kError));
}

}  // namespace
}  // namespace halftone::passes
