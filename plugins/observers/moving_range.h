// Extremes that move with the samples: an exponential average over groups of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace halftone::observers {

// Ranges of one tensor or of its channels. The extremes of each group of consecutive samples move the average by
// (1 - momentum) of the way; the first group begins it.
class MovingRange {
 public:
  MovingRange(double momentum, std::uint64_t group) : momentum_(momentum), group_(group) {}

  // The extremes of the next sample; always of the same number of channels.
  void add(std::span<const float> low, std::span<const float> high);
  // With the last group, whether it is full or not.
  MovingRange finished() const;

  bool empty() const { return waiting_ == 0 && groups_ == 0; }
  std::uint64_t groups() const { return groups_; }
  std::span<const double> low() const { return low_; }
  std::span<const double> high() const { return high_; }
  // Extremes of the group under way.
  std::span<const float> waiting_low() const { return waiting_low_; }
  std::span<const float> waiting_high() const { return waiting_high_; }

 private:
  void close_group();

  double momentum_;
  std::uint64_t group_;
  std::uint64_t groups_ = 0, waiting_ = 0;
  std::vector<double> low_, high_;
  std::vector<float> waiting_low_, waiting_high_;
};

}  // namespace halftone::observers
