// What there is to say about many numbers: range, moments and a histogram, from two passes over them.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>

namespace halftone::pipeline {

// The first pass: range and mean.
struct Range {
  std::uint64_t count = 0;
  double minimum = std::numeric_limits<double>::infinity(), maximum = -std::numeric_limits<double>::infinity(), sum = 0;
  void take(std::span<const float> values);  // in order
  void join(const Range &other);             // adds a later part
  double mean() const { return count == 0 ? 0 : sum / static_cast<double>(count); }
};

// The second pass, over the same numbers: moments about the mean, and counts in equal bins over the range.
struct Spread {
  static constexpr std::size_t kBins = 32;
  std::array<double, 3> powers = {};  // sums of (x - mean)^2, ^3, ^4
  std::array<std::uint64_t, kBins> bins = {};
  void take(std::span<const float> values, const Range &range);
  void join(const Spread &other);
};

struct Summary {
  std::uint64_t count = 0;
  double minimum = 0, maximum = 0, mean = 0, deviation = 0;
  double skewness = 0;  // 0 where all numbers are equal
  double kurtosis = 0;  // excess: 0 for a normal distribution
  std::array<std::uint64_t, Spread::kBins> histogram = {};
};
Summary summary_of(const Range &range, const Spread &spread);

}  // namespace halftone::pipeline
