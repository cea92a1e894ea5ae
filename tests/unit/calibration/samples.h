// Tensors and values for the tests of the statistics.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "core/calibration/accumulator.h"

namespace halftone::test {

// Owns what a view points to.
struct Tensor {
  std::vector<std::int64_t> shape, strides;
  std::vector<float> data;
  std::size_t first = 0;  // where element 0 lies
  std::uint32_t block_axis = 0, block_size = 0;

  ht_tensor_view view() {
    ht_tensor_view v{};
    v.struct_size = sizeof(v);
    v.dtype = HT_F32;
    v.rank = static_cast<std::uint32_t>(shape.size());
    v.shape = shape.data();
    v.strides = strides.empty() ? nullptr : strides.data();
    v.data = data.data() + first;
    v.block_axis = block_axis;
    v.block_size = block_size;
    return v;
  }
};

inline Tensor vector_tensor(std::vector<float> values) {
  return {{static_cast<std::int64_t>(values.size())}, {}, std::move(values)};
}

inline std::size_t element_count(const std::vector<std::int64_t> &shape) {
  std::size_t count = 1;
  for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
  return count;
}

// Finite values of all kinds: a bulk, zeros of both signs, subnormals, outliers, anything.
inline float awkward(std::mt19937 &random, float bulk) {
  std::normal_distribution<float> normal(0.0F, bulk);
  switch (random() % 12) {
    case 0:
      return 0.0F;
    case 1:
      return -0.0F;
    case 2:
      return std::bit_cast<float>(static_cast<std::uint32_t>(random() & 0x807FFFFFU));
    case 3:
      return normal(random) * std::exp2(static_cast<float>(random() % 20));
    case 4:
      return std::bit_cast<float>(static_cast<std::uint32_t>(random() % 0x7F800000U) |
                                  static_cast<std::uint32_t>(random() & 0x80000000U));
    default:
      return normal(random);
  }
}

// As awkward(), but within what sums of squares can hold.
inline float moderate(std::mt19937 &random) {
  float x = awkward(random, 3.0F);
  while (std::fabs(x) > 1e8F) x = awkward(random, 3.0F);
  return x;
}

inline calibration::Accumulator collect(const calibration::Request &request, const std::vector<float> &values) {
  calibration::Accumulator a(request);
  Tensor t = vector_tensor(values);
  if (!a.observe(t.view())) throw 0;  // no test gives values that are not finite here
  return a;
}

}  // namespace halftone::test
