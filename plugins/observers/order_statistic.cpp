#include "order_statistic.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace halftone::observers {
namespace {

constexpr std::int64_t kMostStretches = 1 << 15;
constexpr std::int64_t kOrderOfInfinity = 0x7F800000;

std::int64_t order_of_edge(double edge) {
  constexpr double kLargest = static_cast<double>(std::numeric_limits<float>::max());
  if (edge > kLargest) return kOrderOfInfinity;
  if (edge < -kLargest) return -kOrderOfInfinity;
  return float_order(static_cast<float>(edge));
}

}  // namespace

std::int32_t float_order(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x);
  return bits >= 0 ? bits : std::numeric_limits<std::int32_t>::min() - bits;
}

float float_at(std::int32_t order) {
  return std::bit_cast<float>(order >= 0 ? order : std::numeric_limits<std::int32_t>::min() - order);
}

OrderStatistic::OrderStatistic(std::int64_t first, std::int64_t end, std::uint64_t rank)
    : first_(first), end_(end), rank_(rank) {
  cut();
}

void OrderStatistic::settle(float value) {
  first_ = float_order(value);
  end_ = first_ + 1;
}

void OrderStatistic::cut() {
  if (found()) return;
  while (((end_ - first_ - 1) >> shift_) >= kMostStretches) ++shift_;
  counts_.assign(static_cast<std::size_t>(((end_ - first_ - 1) >> shift_) + 1), 0);
}

OrderStatistic::OrderStatistic(const Distribution &distribution, std::uint64_t rank) {
  locate(distribution, rank);
}

void OrderStatistic::locate(const Distribution &distribution, std::uint64_t rank) {
  const std::uint64_t total = distribution.total();
  if (total == 0) return;
  if (rank == 0) return settle(static_cast<float>(distribution.minimum));
  if (rank >= total - 1) return settle(static_cast<float>(distribution.maximum));
  std::uint64_t below = 0;
  bool zeros_passed = false;
  const auto pass_zeros = [&] {
    zeros_passed = true;
    below += distribution.zeros;
    return rank < below;
  };
  for (std::size_t i = 0; i < distribution.counts.size(); ++i) {
    const double from = distribution.edges[i], to = distribution.edges[i + 1];
    if (!zeros_passed && to > 0 && pass_zeros()) return settle(0);
    if (rank < below + distribution.counts[i]) {
      rank_ = rank - below;
      // The edge nearer to 0 belongs to the bin; zeros lie in none.
      first_ = to > 0 ? std::max<std::int64_t>(order_of_edge(from), 1) : order_of_edge(from) + 1;
      end_ = to > 0 ? order_of_edge(to) : std::min<std::int64_t>(order_of_edge(to) + 1, 0);
      return cut();
    }
    below += distribution.counts[i];
  }
  settle(0);
}

void OrderStatistic::count(std::span<const float> values) {
  if (found()) return;
  for (const float x : values) {
    const std::int64_t order = float_order(x);
    if (order >= first_ && order < end_) ++counts_[static_cast<std::size_t>((order - first_) >> shift_)];
  }
}

void OrderStatistic::merge(const OrderStatistic &other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

OrderStatistic OrderStatistic::narrowed() const {
  std::uint64_t left = rank_;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (left >= counts_[i]) {
      left -= counts_[i];
      continue;
    }
    const std::int64_t first = first_ + (static_cast<std::int64_t>(i) << shift_);
    return {first, std::min(first + (std::int64_t{1} << shift_), end_), left};
  }
  return *this;
}

}  // namespace halftone::observers
