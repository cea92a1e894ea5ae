#include <bit>
#include <cstdint>

#include "group_information.h"

namespace halftone::observers::plain {
namespace {

// The logarithm of a positive normal number, good to the last digits, and some finite number for 0; without a branch or
// a table, so that vectors can do the same. x = 2^k * m with m in [sqrt(1/2), sqrt(2)); log(m) = 2 * atanh((m - 1) /
// (m + 1)).
double logarithm(double x) {
  constexpr std::uint64_t kOne = 0x3ff0000000000000, kRootOfHalf = 0x3fe6a09e667f3bcd;
  constexpr std::uint64_t kMantissa = 0x000fffffffffffff, kTwoTo52 = 0x4330000000000000;
  const std::uint64_t shifted = std::bit_cast<std::uint64_t>(x) + (kOne - kRootOfHalf);
  const double k = std::bit_cast<double>((shifted >> 52) | kTwoTo52) - (0x1p52 + 1023);
  const double f = std::bit_cast<double>((shifted & kMantissa) + kRootOfHalf) - 1, s = f / (2 + f), z = s * s;
  const double high = (((1.0 / 21 * z + 1.0 / 19) * z + 1.0 / 17) * z + 1.0 / 15) * z + 1.0 / 13;
  const double p = ((((high * z + 1.0 / 11) * z + 1.0 / 9) * z + 1.0 / 7) * z + 1.0 / 5) * z + 1.0 / 3;
  return k * 0x1.62e42fefa39efp-1 + (2 * s + 2 * s * z * p);
}

}  // namespace

void group_information(std::span<const double> mass, std::span<const double> occupied, std::size_t width,
                       std::size_t from, std::span<double> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double m = mass[from + i + width] - mass[from + i], b = occupied[from + i + width] - occupied[from + i];
    out[i] = m * logarithm(m / (b + kNoBins));
  }
}

}  // namespace halftone::observers::plain
