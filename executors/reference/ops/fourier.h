// The discrete Fourier transform as its definition says, with exact reduction of the angles.
#pragma once

#include <complex>
#include <cstdint>
#include <numbers>
#include <vector>

namespace halftone::reference {

class Fourier {
 public:
  // Of `length` points; with `inverse` the sign of the angle is positive and the result is divided by the length.
  Fourier(std::int64_t length, bool inverse) : inverse_(inverse) {
    for (std::int64_t i = 0; i < length; ++i) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(length);
      roots_.push_back(std::polar(1.0, inverse ? angle : -angle));
    }
  }
  // The coefficient `k`; signals shorter than the length are followed by zeros.
  std::complex<double> coefficient(const std::vector<std::complex<double>> &signal, std::int64_t k) const {
    const auto n = static_cast<std::int64_t>(roots_.size());
    std::complex<double> sum = 0;
    for (std::int64_t i = 0; i < n && i < static_cast<std::int64_t>(signal.size()); ++i) {
      sum += signal[static_cast<std::size_t>(i)] * roots_[static_cast<std::size_t>(i * k % n)];
    }
    return inverse_ ? sum / static_cast<double>(n) : sum;
  }

 private:
  std::vector<std::complex<double>> roots_;
  bool inverse_;
};

}  // namespace halftone::reference
