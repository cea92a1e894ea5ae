// Sums that do not depend on the order of their terms: signed 128-bit fixed point.
#pragma once

namespace halftone::calibration {

__extension__ typedef __int128 Int128;

// Multiples of 2^-56 (1.4e-17) up to +-2^71 (2.4e21). Each term is rounded once, half to even, to such a multiple; then
// adding is integer addition, which knows no order. The bounds fit sums over 10^10 elements of squares as large as
// 2e11 (the square of 65504, float16's largest value, is 4e9), and a sum of 1000 squares of 1e-7 keeps six digits.
// Beyond the range adding throws ResourceExhausted: a wrong sum would go unnoticed.
struct Fixed128 {
  static constexpr int kFractionBits = 56;

  Int128 value = 0;

  void add(double x);
  void add(const Fixed128 &other);
  double to_double() const;  // rounded once, half to even
  friend bool operator==(const Fixed128 &, const Fixed128 &) = default;
};

}  // namespace halftone::calibration
