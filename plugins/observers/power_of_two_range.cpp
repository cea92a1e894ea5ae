#include "power_of_two_range.h"

#include <algorithm>
#include <cmath>

#include "scale_range.h"
#include "squared_error_range.h"

namespace halftone::observers {
namespace {

constexpr int kMost = 26;     // 2^-26 is the last power of two above the least scale that there is, 1e-8
constexpr int kLeast = -100;  // no finite float needs a coarser one

}  // namespace

int power_of_two_exponent(const Distribution &distribution, const ht_quant_spec &spec, int finer) {
  const double scale = grid_for(spec, {distribution.minimum, distribution.maximum}).scale;
  const int first = std::clamp(static_cast<int>(std::floor(-std::log2(scale))), kLeast, kMost);
  const SquaredErrorTable table(distribution);
  int best = first;
  double least = 0;
  for (int n = first; n <= std::min(first + finer, kMost); ++n) {
    const double error = table.error(grid_for(spec, power_of_two_range(spec, n, distribution.minimum)));
    if (n == first || error < least) least = error, best = n;
  }
  return best;
}

Range power_of_two_range(const ht_quant_spec &spec, int exponent, double low) {
  Range range = range_of_scale(spec, std::ldexp(1.0, -exponent), low);
  // Ends that float32 cannot hold must not make the next power of two of it.
  const auto inwards = [](double end) {
    const auto rounded = static_cast<float>(end);
    const bool beyond = std::fabs(static_cast<double>(rounded)) > std::fabs(end);
    return static_cast<double>(beyond ? std::nextafter(rounded, 0.0F) : rounded);
  };
  const double from = inwards(range.low), width = range.high - range.low;
  if (spec.symmetry == HT_SYMMETRIC) return {from, -from};
  return {from, inwards(from + width)};
}

}  // namespace halftone::observers
