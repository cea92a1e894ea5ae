#include <algorithm>
#include <cmath>
#include <numbers>

#include "implied_means.h"

namespace halftone::passes {
namespace {

// Share of a standard normal distribution below x, and its density there.
double below(double x) {
  return 0.5 * std::erfc(-x / std::numbers::sqrt2);
}

double density(double x) {
  return std::exp(-0.5 * x * x) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
}

// What a limit gives: limit^power times the share that lies on it, 0 for an infinite one.
double on_limit(double limit, double share, int power) {
  return std::isinf(limit) ? 0 : (power == 1 ? limit : limit * limit) * share;
}

}  // namespace

double ClippedNormal::mean() const {
  if (!(deviation > 0)) return std::clamp(center, low, high);
  const double a = (low - center) / deviation, b = (high - center) / deviation;
  return on_limit(low, below(a), 1) + on_limit(high, below(-b), 1) + center * (below(b) - below(a)) +
         deviation * (density(a) - density(b));
}

double ClippedNormal::variance() const {
  if (!(deviation > 0)) return 0;
  const double a = (low - center) / deviation, b = (high - center) / deviation;
  const double at_low = std::isinf(low) ? 0 : (center + low) * density(a);
  const double at_high = std::isinf(high) ? 0 : (center + high) * density(b);
  const double square = on_limit(low, below(a), 2) + on_limit(high, below(-b), 2) +
                        (center * center + deviation * deviation) * (below(b) - below(a)) +
                        deviation * (at_low - at_high);
  const double m = mean();
  return std::max(square - m * m, 0.0);
}

}  // namespace halftone::passes
