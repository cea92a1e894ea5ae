#include "plugins/observers/group_sums.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "plugins/observers/group_information.h"

namespace halftone::observers {
namespace {

struct Bins {
  std::vector<double> mass{0}, occupied{0};  // prefix sums
  void add(double count) {
    mass.push_back(mass.back() + count);
    occupied.push_back(occupied.back() + (count > 0 ? 1 : 0));
  }
};

// Stretches of nothing, whole numbers and fractions over many magnitudes.
Bins random_bins(std::mt19937 &random, std::size_t count) {
  Bins bins;
  while (bins.mass.size() <= count) {
    const auto kind = random() % 4;
    for (auto left = random() % 40; left > 0 && bins.mass.size() <= count; --left) {
      const double size = std::exp2(static_cast<double>(random() % 40) - 10);
      bins.add(kind == 0 ? 0 : kind == 1 ? std::floor(size) : size);
    }
  }
  return bins;
}

double plain_sum(const Bins &bins, std::size_t first, std::size_t last, std::size_t levels) {
  double sum = 0;
  for (std::size_t i = 0; i < levels; ++i) {
    const std::size_t from = first + (last - first) * i / levels, to = first + (last - first) * (i + 1) / levels;
    const double m = bins.mass[to] - bins.mass[from];
    if (m > 0) sum += m * std::log(m / (bins.occupied[to] - bins.occupied[from]));
  }
  return sum;
}

TEST_CASE("runs of groups add up to the groups one by one") {
  std::mt19937 random(7);
  for (const std::size_t levels : {1UL, 2UL, 3UL, 8UL, 16UL, 100UL, 128UL}) {
    const Bins bins = random_bins(random, 1000);
    GroupSums sums(bins.mass, bins.occupied, levels);
    const double scale = bins.mass.back() * std::log(bins.mass.back());
    for (int i = 0; i < 2000; ++i) {
      const std::size_t first = random() % (1001 - levels), room = 1000 - first - levels;
      const std::size_t last = first + levels + random() % (room + 1);
      CAPTURE(levels);
      CAPTURE(first);
      CAPTURE(last);
      CHECK(std::abs(sums.sum(first, last) - plain_sum(bins, first, last, levels)) <= 1e-12 * scale);
    }
  }
}

TEST_CASE("the logarithm that is compiled to vectors is the library's to the last digits") {
  std::mt19937_64 random(3);
  for (int i = 0; i < 20000; ++i) {
    const double m = std::exp2(std::uniform_real_distribution<double>(-60, 60)(random));
    const std::vector<double> mass{0, m}, occupied{0, 1};
    double got = 0;
    group_information(mass, occupied, 1, 0, {&got, 1});
    CHECK(std::abs(got - m * std::log(m)) <= 6e-16 * m * std::max(std::abs(std::log(m)), 1.0));
  }
  const std::vector<double> nothing{5, 5}, none{2, 2};
  double got = 1;
  group_information(nothing, none, 1, 0, {&got, 1});
  CHECK(got == 0);
}

TEST_CASE("vectors of groups give what the groups give one by one, bit for bit") {
  std::mt19937 random(13);
  for (int round = 0; round < 20; ++round) {
    const Bins bins = random_bins(random, 700);
    for (const std::size_t width : {1UL, 2UL, 5UL, 32UL, 699UL}) {
      for (const std::size_t from : {0UL, 1UL}) {
        std::vector<double> got(bins.mass.size() - width - from), plain(got.size());
        group_information(bins.mass, bins.occupied, width, from, got);
        plain::group_information(bins.mass, bins.occupied, width, from, plain);
        INFO("width ", width, " from ", from);
        CHECK(got == plain);
      }
    }
  }
}

}  // namespace
}  // namespace halftone::observers
