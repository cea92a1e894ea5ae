#include "magnitude_histogram.h"

#include <algorithm>
#include <cmath>

namespace halftone::observers {
namespace {

constexpr std::size_t kPerOctave = 64, kOctaves = 24, kOneSide = kPerOctave * kOctaves;

}  // namespace

MagnitudeHistogram::MagnitudeHistogram(float largest) : counts_(2 * kOneSide + 1, 0) {
  (void)std::frexp(largest > 0 ? largest : 1.0F, &top_);
  // From the most negative one up; the bin around zero is in the middle.
  const auto magnitude = [&](std::size_t i) {  // i = 0 ... kOneSide, ascending
    const std::size_t octave = i / kPerOctave, part = i % kPerOctave;
    const double within = 0.5 + static_cast<double>(part) / (2 * static_cast<double>(kPerOctave));
    return std::ldexp(within, top_ - static_cast<int>(kOctaves) + 1 + static_cast<int>(octave));
  };
  for (std::size_t i = kOneSide + 1; i-- > 0;) edges_.push_back(-magnitude(i));
  for (std::size_t i = 0; i <= kOneSide; ++i) edges_.push_back(magnitude(i));
}

std::size_t MagnitudeHistogram::bin_of(float x) const {
  int exponent = 0;
  const float part = std::frexp(std::fabs(x), &exponent);  // in [0.5, 1)
  const int octave = exponent - (top_ - static_cast<int>(kOctaves) + 1);
  if (octave < 0) return kOneSide;
  const auto within = static_cast<std::size_t>((part - 0.5F) * static_cast<float>(2 * kPerOctave));
  const std::size_t i = std::min(static_cast<std::size_t>(octave) * kPerOctave + within, kOneSide - 1);
  return x < 0 ? kOneSide - 1 - i : kOneSide + 1 + i;
}

void MagnitudeHistogram::add(std::span<const float> values) {
  for (const float x : values) {
    if (count_ == 0) minimum_ = maximum_ = x;
    ++count_;
    minimum_ = std::min(minimum_, x);
    maximum_ = std::max(maximum_, x);
    if (x == 0) {
      ++zeros_;
    } else {
      ++counts_[bin_of(x)];
    }
  }
}

void MagnitudeHistogram::merge(const MagnitudeHistogram &other) {
  if (other.count_ == 0) return;
  minimum_ = count_ == 0 ? other.minimum_ : std::min(minimum_, other.minimum_);
  maximum_ = count_ == 0 ? other.maximum_ : std::max(maximum_, other.maximum_);
  count_ += other.count_;
  zeros_ += other.zeros_;
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

void MagnitudeHistogram::clear() {
  count_ = zeros_ = 0;
  minimum_ = maximum_ = 0;
  std::fill(counts_.begin(), counts_.end(), 0);
}

Distribution MagnitudeHistogram::distribution() const {
  Distribution d;
  d.edges = edges_;
  d.counts = counts_;
  d.zeros = zeros_;
  d.minimum = static_cast<double>(minimum_);
  d.maximum = static_cast<double>(maximum_);
  return d;
}

}  // namespace halftone::observers
