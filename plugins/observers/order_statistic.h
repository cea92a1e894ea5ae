// The value at a rank of all values, exactly, from counts alone.
//
// The histogram says between which two floats the value lies and how many are below. The floats between them, in their
// order, are cut into equal stretches that another pass counts; the stretch that holds the rank is cut again, until a
// stretch is one float. A histogram bin holds at most 2^15 floats, so that one pass is enough but for ranks among
// values tens of thousands of times smaller than the largest.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "distribution.h"

namespace halftone::observers {

// Floats in their order as integers; both zeros are 0.
std::int32_t float_order(float x);
float float_at(std::int32_t order);

class OrderStatistic {
 public:
  // Rank 0 is the smallest of the values, zeros included.
  OrderStatistic(const Distribution &distribution, std::uint64_t rank);

  bool found() const { return end_ - first_ <= 1; }
  float value() const { return float_at(static_cast<std::int32_t>(first_)); }

  // While it is not found: counts of another pass, and what they tell.
  void count(std::span<const float> values);
  void merge(const OrderStatistic &other);
  OrderStatistic narrowed() const;

 private:
  OrderStatistic(std::int64_t first, std::int64_t end, std::uint64_t rank);
  void locate(const Distribution &distribution, std::uint64_t rank);
  void settle(float value);
  void cut();

  std::int64_t first_ = 0, end_ = 1;  // orders of the floats among which it is
  std::uint64_t rank_ = 0;            // among the values there
  int shift_ = 0;                     // a stretch is 2^shift_ floats
  std::vector<std::uint64_t> counts_;
};

}  // namespace halftone::observers
