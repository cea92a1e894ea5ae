#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "core/base/error.h"
#include "core/calibration/fixed128.h"

namespace halftone::calibration {
namespace {

TEST_CASE("sums of any order and grouping are equal, bit for bit") {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  std::vector<double> terms(2000);
  for (double &x : terms) x = normal(random) * std::exp2(static_cast<int>(random() % 80) - 40);
  Fixed128 once;
  for (const double x : terms) once.add(x);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(terms.begin(), terms.end(), random);
    Fixed128 parts[3];
    for (const double x : terms) parts[random() % 3].add(x);
    parts[2].add(parts[0]);
    parts[2].add(parts[1]);
    CHECK(parts[2] == once);
  }
}

TEST_CASE("terms that are multiples of the resolution come back exactly") {
  for (const double x : {0.0, 1.0, -1.0, 0x1p-56, -0x1p-56, 0x1p70, -0x1p70, 1e20, 12345.678, 0x1.fffffffffffffp70}) {
    Fixed128 sum;
    sum.add(x);
    CHECK(std::fabs(sum.to_double() - x) <= 0x1p-57);
    if (std::fabs(x) >= 1) CHECK(sum.to_double() == x);
  }
}

TEST_CASE("a large and a small term that cancel leave the small one") {
  Fixed128 sum;
  sum.add(1e20);
  sum.add(1e-10);
  sum.add(-1e20);
  CHECK(sum.to_double() == doctest::Approx(1e-10).epsilon(1e-6));
}

TEST_CASE("terms are rounded half to even") {
  const auto units = [](double x) {
    Fixed128 sum;
    sum.add(std::ldexp(x, -Fixed128::kFractionBits));
    return static_cast<int>(sum.value);
  };
  CHECK(units(0.5) == 0);
  CHECK(units(1.5) == 2);
  CHECK(units(-2.5) == -2);
  CHECK(units(2.75) == 3);
}

TEST_CASE("what leaves the range is an error, not a wrong sum") {
  Fixed128 sum;
  CHECK_THROWS_AS(sum.add(0x1p71), Error);
  CHECK_THROWS_AS(sum.add(-0x1p71), Error);
  CHECK_THROWS_AS(sum.add(INFINITY), Error);
  CHECK_THROWS_AS(sum.add(std::nan("")), Error);
  sum.add(0x1p70);
  CHECK_THROWS_AS(sum.add(0x1p70), Error);
  Fixed128 same = sum;
  CHECK_THROWS_AS(sum.add(same), Error);
}

}  // namespace
}  // namespace halftone::calibration
