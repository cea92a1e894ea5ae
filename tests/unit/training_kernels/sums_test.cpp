// Sums over shards, whose order is promised, and over rows, whose error is.
#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "executors/trainer/kernels/sums.h"

namespace halftone::trainer {
namespace {

using Floats = std::vector<float>;

Floats normal_floats(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Floats values(n);
  for (float &v : values) v = normal(random);
  return values;
}

}  // namespace

TEST_CASE("parts are added in their order, place by place") {
  for (const std::size_t n : {0U, 1U, 3U, 16U, 31U, 33U, 100U}) {
    std::vector<Floats> parts;
    std::vector<const float *> data;
    for (unsigned k = 0; k < 5; ++k) parts.push_back(normal_floats(n, k));
    for (const Floats &part : parts) data.push_back(part.data());
    Floats expected(n), got(n + 1, 7.0F);
    for (const Floats &part : parts) {
      for (std::size_t i = 0; i < n; ++i) expected[i] += part[i];
    }
    sum_in_order(data, got.data(), n);
    CHECK(got.back() == 7.0F);
    got.pop_back();
    CHECK(got == expected);
  }
}

TEST_CASE("rows are added without an error that grows with their number") {
  for (const std::size_t columns : {1U, 2U, 5U, 8U, 15U, 16U, 20U, 37U, 64U}) {
    for (const std::size_t rows : {1U, 3U, 4U, 255U, 256U, 257U, 5000U}) {
      const Floats x = normal_floats(rows * columns, 3);
      Floats got(columns + 1, 7.0F);
      sum_of_rows(x.data(), rows, columns, got.data());
      CHECK(got.back() == 7.0F);
      for (std::size_t c = 0; c < columns; ++c) {
        double sum = 0, size = 0;
        for (std::size_t r = 0; r < rows; ++r) {
          sum += static_cast<double>(x[r * columns + c]);
          size += std::abs(static_cast<double>(x[r * columns + c]));
        }
        // At most 64 + 2 + 20 additions follow one another, and each is off by half a unit of the last place at most.
        CHECK(std::abs(static_cast<double>(got[c]) - sum) <= 86 * 6e-8 * size);
      }
    }
  }
}

TEST_CASE("a column has the same sum, whatever stands beside it") {
  const std::size_t rows = 1000, columns = 37;
  const Floats x = normal_floats(rows * columns, 4);
  Floats all(columns);
  sum_of_rows(x.data(), rows, columns, all.data());
  for (std::size_t c = 0; c < columns; ++c) {
    Floats one(rows);
    for (std::size_t r = 0; r < rows; ++r) one[r] = x[r * columns + c];
    float sum = 0;
    sum_of_rows(one.data(), rows, 1, &sum);
    CHECK(sum == all[c]);
  }
}

}  // namespace halftone::trainer
