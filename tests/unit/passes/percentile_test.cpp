#include "plugins/observers/percentile_range.h"

#include <doctest/doctest.h>

#include "tests/unit/passes/made_statistics.h"

namespace halftone::observers {
namespace {

double at_rank(const MadeStatistics &made, double rank) {
  const auto last = static_cast<double>(made.sorted.size() - 1);
  return made.sorted[static_cast<std::size_t>(std::min(std::floor(rank), last))];
}

// The answer covers the exact value and exceeds it by no more than its bin.
void check_against_sorted(const MadeStatistics &made, double fraction) {
  const auto n = static_cast<double>(made.sorted.size());
  const double low = at_rank(made, n * (1 - fraction)), high = at_rank(made, n * fraction);
  const Range r = percentile_range(made.distribution(), fraction);
  CHECK(r.low <= low);
  CHECK(r.low >= low - std::abs(low) / 1024);
  CHECK(r.high >= high);
  CHECK(r.high <= high + std::abs(high) / 1024);
}

TEST_CASE("percentiles equal those of the sorted values within a bin") {
  for (const double fraction : {0.5, 0.9, 0.999, 0.9999, 1.0}) {
    CAPTURE(fraction);
    check_against_sorted(MadeStatistics(gaussian(40000, 0.7)), fraction);
    check_against_sorted(MadeStatistics(laplace(40000, 3)), fraction);
    check_against_sorted(MadeStatistics(rectified(gaussian(40000, 1))), fraction);
    check_against_sorted(MadeStatistics({-3, 5}), fraction);
  }
}

TEST_CASE("zeros take their place in the order") {
  std::vector<double> values(90, 0.0);
  for (int i = 0; i < 5; ++i) values.push_back(-1.0 - i), values.push_back(1.0 + i);
  const MadeStatistics made(values);
  const Range r = percentile_range(made.distribution(), 0.94);  // 6 % off each end: only zeros are left
  CHECK(r.low == 0);
  CHECK(r.high == 0);
  check_against_sorted(made, 0.97);
}

TEST_CASE("a single value, zeros only and nothing at all") {
  const Range one = percentile_range(MadeStatistics(std::vector<double>(10, 2.5)).distribution(), 0.9999);
  CHECK(one.low == 2.5);
  CHECK(one.high == 2.5);
  const Range zeros = percentile_range(MadeStatistics(std::vector<double>(10, 0.0)).distribution(), 0.9999);
  CHECK(zeros.low == 0);
  CHECK(zeros.high == 0);
  CHECK(percentile_range(Distribution{}, 0.9999).high == 0);
}

TEST_CASE("groups are averaged, empty ones left out") {
  const MadeStatistics a(std::vector<double>(100, 1.0)), b(std::vector<double>(100, 3.0)), none(std::vector<double>{});
  const std::vector<ht_statistics> groups = {a.statistics(), none.statistics(), b.statistics()};
  ht_statistics whole = a.statistics();
  whole.group_count = groups.size();
  whole.groups = groups.data();
  const Range r = percentile_range(whole, 0.9999);
  CHECK(r.low == doctest::Approx(2.0));
  CHECK(r.high == doctest::Approx(2.0));
}

}  // namespace
}  // namespace halftone::observers
