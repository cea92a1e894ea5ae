// Normally distributed values.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

namespace halftone::trainer {

inline std::vector<float> random_floats(std::size_t count, unsigned seed, float spread) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> out(count);
  for (float &x : out) x = normal(engine);
  return out;
}

}  // namespace halftone::trainer
