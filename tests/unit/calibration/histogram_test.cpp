// The histogram that observers read, against the values that went in.
#include <doctest/doctest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "core/calibration/accumulator.h"
#include "tests/unit/calibration/samples.h"

namespace halftone::calibration {
namespace {

Request histogram_request() {
  Request request;
  request.histogram = true;
  return request;
}

// Counts each value by searching the edges: a value on an edge belongs to the bin farther from 0.
std::vector<std::uint64_t> recount(const Histogram &h, const std::vector<float> &values) {
  std::vector<std::uint64_t> counts(h.counts.size());
  for (const float x : values) {
    if (x == 0) continue;
    const double value = x;
    const auto above = value > 0 ? std::upper_bound(h.edges.begin(), h.edges.end(), value)
                                 : std::lower_bound(h.edges.begin(), h.edges.end(), value);
    const auto bin = above - h.edges.begin() - 1;
    REQUIRE(bin >= 0);
    REQUIRE(bin < static_cast<std::ptrdiff_t>(counts.size()));
    ++counts[static_cast<std::size_t>(bin)];
  }
  return counts;
}

void check_histogram(const std::vector<float> &values) {
  const Accumulator a = test::collect(histogram_request(), values);
  const Histogram h = a.histogram();
  std::vector<float> seen;
  for (const float x : values) {
    if (x != 0) seen.push_back(x);
  }
  if (seen.empty()) {
    CHECK(h.edges.empty());
    CHECK(h.counts.empty());
    return;
  }
  REQUIRE(h.edges.size() == h.counts.size() + 1);
  CHECK(std::adjacent_find(h.edges.begin(), h.edges.end(), [](double x, double y) { return !(x < y); }) ==
        h.edges.end());
  CHECK(h.counts.front() > 0);
  CHECK(h.counts.back() > 0);
  CHECK(h.edges.front() <= *std::min_element(seen.begin(), seen.end()));
  CHECK(h.edges.back() >= *std::max_element(seen.begin(), seen.end()));
  CHECK(std::accumulate(h.counts.begin(), h.counts.end(), std::uint64_t{0}) + a.zeros() == a.count());
  CHECK(h.counts == recount(h, values));
}

TEST_CASE("counts and edges agree with the values, for all kinds of them") {
  std::mt19937 random(1);
  for (const float bulk : {1.0F, 1e-38F, 1e-44F, 1e30F, 3e-6F}) {
    for (int round = 0; round < 8; ++round) {
      std::vector<float> values(1 + random() % 5000);
      for (float &x : values) x = test::awkward(random, bulk);
      check_histogram(values);
      std::normal_distribution<float> normal(0.0F, bulk);
      for (float &x : values) x = std::clamp(normal(random), -FLT_MAX, FLT_MAX);
      check_histogram(values);
      for (float &x : values) x = std::max(x, 0.0F);
      check_histogram(values);
      for (float &x : values) x = -x;
      check_histogram(values);
    }
  }
}

TEST_CASE("extremes of float") {
  check_histogram({FLT_MAX, -FLT_MAX, FLT_TRUE_MIN, -FLT_TRUE_MIN, 0.0F, -0.0F, FLT_MIN, -FLT_MIN});
  check_histogram({FLT_TRUE_MIN});
  check_histogram({-FLT_TRUE_MIN, 2 * FLT_TRUE_MIN});
  check_histogram({FLT_MAX});
  check_histogram({0.0F, -0.0F});
  check_histogram({});
  const Histogram h = test::collect(histogram_request(), {FLT_MAX}).histogram();
  CHECK(h.edges.back() == 0x1p128);
}

TEST_CASE("at least 2048 bins lie between 0 and the largest magnitude, and an outlier leaves the bulk its bins") {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  std::vector<float> values(20000);
  for (float &x : values) x = normal(random);
  const auto bins_within = [](const Histogram &h, double bound) {
    return std::count_if(h.edges.begin(), h.edges.end(), [&](double e) { return std::fabs(e) <= bound; });
  };
  CHECK(bins_within(test::collect(histogram_request(), values).histogram(), 5.0) > 2 * 4096);
  values[7] = 1000.0F;  // 2048 equal bins would be 0.49 wide
  CHECK(bins_within(test::collect(histogram_request(), values).histogram(), 4.0) > 2 * 1024);
}

TEST_CASE("without a request there is no histogram and no memory for one") {
  const Accumulator a = test::collect(Request{}, {1.0F, -2.0F, 0.0F});
  CHECK(a.histogram().counts.empty());
  CHECK(a.bytes() < 300);
  CHECK(a.minimum() == -2.0F);
  CHECK(a.zeros() == 1);
}

}  // namespace
}  // namespace halftone::calibration
