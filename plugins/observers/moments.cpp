#include "moments.h"

#include <algorithm>

namespace halftone::observers {

double squared_distance(const Moments &from, const Moments &until, double to) {
  const double mass = until.mass - from.mass, first = until.first - from.first, second = until.second - from.second;
  return std::max(second - 2 * to * first + to * to * mass, 0.0);
}

MomentTable::MomentTable(const Distribution &distribution) : distribution_(distribution) {
  sums_.reserve(distribution.counts.size() + 1);
  Moments sum;
  sums_.push_back(sum);
  for (std::size_t i = 0; i < distribution.counts.size(); ++i) {
    if (distribution.counts[i] > 0) {
      const auto c = static_cast<double>(distribution.counts[i]);
      const double l = distribution.lower(i), u = distribution.upper(i);
      sum.mass += c;
      sum.first += c * (l + u) / 2;
      sum.second += c * (l * l + l * u + u * u) / 3;
    }
    sums_.push_back(sum);
  }
}

// Steps of doubling length away from the guess, then halving between the last two.
std::size_t MomentTable::edges_until(double x, std::size_t guess) const {
  const std::span<const double> edges = distribution_.edges;
  std::size_t low = 0, high = edges.size();  // edges before low are at most x, those from high on are above
  guess = std::min(guess, edges.size());
  if (guess < edges.size() && edges[guess] <= x) {
    low = guess + 1;
    for (std::size_t step = 1; low + step <= edges.size(); step *= 2) {
      if (edges[low + step - 1] > x) {
        high = low + step - 1;
        break;
      }
      low += step;
    }
  } else {
    high = guess;
    for (std::size_t step = 1; step <= high; step *= 2) {
      if (edges[high - step] <= x) {
        low = high - step + 1;
        break;
      }
      high -= step;
    }
  }
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (edges[middle] <= x) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

Moments MomentTable::until(double x, std::size_t above) const {
  if (above == 0) return {};
  const std::size_t bin = above - 1;
  if (bin >= distribution_.counts.size()) return sums_.back();
  Moments m = sums_[bin];
  const auto c = static_cast<double>(distribution_.counts[bin]);
  const double l = distribution_.lower(bin), u = distribution_.upper(bin);
  if (c == 0 || x < l) return m;
  if (x >= u) return sums_[bin + 1];
  const double mass = c * (x - l) / (u - l);
  m.mass += mass;
  m.first += mass * (l + x) / 2;
  m.second += mass * (l * l + l * x + x * x) / 3;
  return m;
}

}  // namespace halftone::observers
