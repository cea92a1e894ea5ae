// PoolLinear, the head of a classifier as one operator: y = mean of x over its pixels, times w, plus b.
//   x [N, C, H, W], w [M, C], b [M] or absent, y [N, M]
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "halftone/op_kernel.hpp"

namespace example {

namespace sdk = halftone::sdk;

struct Head {
  std::size_t samples, channels, pixels, classes;
  static Head of(std::span<const std::int64_t> x, std::span<const std::int64_t> w) {
    if (x.size() < 3 || w.size() != 2 || w[1] != x[1])
      throw sdk::Failure(HT_INVALID_ARGUMENT, "PoolLinear takes x [N, C, ...] and w [M, C]");
    std::size_t pixels = 1;
    for (const std::int64_t extent : x.subspan(2)) pixels *= static_cast<std::size_t>(extent);
    return {static_cast<std::size_t>(x[0]), static_cast<std::size_t>(x[1]), pixels, static_cast<std::size_t>(w[0])};
  }
  // The mean of each channel of a sample.
  std::vector<double> pooled(std::span<const float> x, std::size_t sample) const {
    std::vector<double> means(channels);
    for (std::size_t c = 0; c < channels; ++c) {
      for (const float value : x.subspan((sample * channels + c) * pixels, pixels))
        means[c] += static_cast<double>(value);
      means[c] /= static_cast<double>(pixels);
    }
    return means;
  }
};

inline std::span<const float> floats(const ht_tensor_view &tensor) {
  return {static_cast<const float *>(tensor.data), static_cast<std::size_t>(sdk::count_of(tensor))};
}

}  // namespace example
