#include "plugins/observers/order_statistic.h"

#include <doctest/doctest.h>

#include <limits>

#include "plugins/observers/percentile_range.h"
#include "tests/unit/passes/made_statistics.h"

namespace halftone::observers {
namespace {

std::vector<float> floats_of(const std::vector<double> &values) {
  return {values.begin(), values.end()};
}

struct Found {
  float value = 0;
  int passes = 0;
};

// In two parts, which are merged.
Found find(const MadeStatistics &made, std::uint64_t rank) {
  const std::vector<float> values = floats_of(made.sorted);
  const std::span<const float> all = values;
  OrderStatistic statistic(made.distribution(), rank);
  Found found;
  while (!statistic.found()) {
    REQUIRE(++found.passes < 10);
    OrderStatistic other = statistic;
    statistic.count(all.first(all.size() / 3));
    other.count(all.subspan(all.size() / 3));
    statistic.merge(other);
    statistic = statistic.narrowed();
  }
  found.value = statistic.value();
  return found;
}

TEST_CASE("floats and their order") {
  for (const float x : {0.0F, 1.0F, -1.0F, 1e-45F, -1e-45F, 3e38F, -3e38F}) CHECK(float_at(float_order(x)) == x);
  CHECK(float_order(-0.0F) == 0);
  CHECK(float_order(-1e-45F) == -1);
  CHECK(float_order(1e-45F) == 1);
  CHECK(float_order(-2) < float_order(-1));
}

TEST_CASE("every rank of values with signs, zeros and repeats") {
  std::vector<double> values = gaussian(3000, 1);
  for (int i = 0; i < 500; ++i) values.push_back(i % 3 - 1);
  values.insert(values.end(), 200, 0.0);
  const MadeStatistics made(values);
  for (std::uint64_t rank = 0; rank < made.sorted.size(); rank += 7) {
    const Found found = find(made, rank);
    CHECK(static_cast<double>(found.value) == made.sorted[rank]);
    CHECK(found.passes <= 1);
  }
}

TEST_CASE("ends of a percentile are the values at numpy's indices") {
  const MadeStatistics made(gaussian(20000, 3));
  const PercentileRanks ranks = percentile_ranks(made.sorted.size(), 0.999);
  CHECK(ranks.low == 20);
  CHECK(ranks.high == 19980);
  CHECK(static_cast<double>(find(made, ranks.low).value) == made.sorted[20]);
  CHECK(static_cast<double>(find(made, ranks.high).value) == made.sorted[19980]);
}

// What the kernel counts as tiny lies in one bin beside 0, of hundreds of millions of floats.
TEST_CASE("a rank in a bin of many octaves takes more passes") {
  std::vector<double> values;
  for (int i = 1; i <= 1000; ++i) values.push_back(static_cast<double>(static_cast<float>(1e-9 * i)));
  values.push_back(1000);
  MadeStatistics made(values);
  made.edges = {0, 0.015625, 1024};
  made.counts = {1000, 1};
  const Found found = find(made, 499);
  CHECK(static_cast<double>(found.value) == made.sorted[499]);
  CHECK(found.passes == 2);
}

TEST_CASE("one value, zeros only, nothing") {
  CHECK(find(MadeStatistics({2.5}), 0).value == 2.5F);
  CHECK(find(MadeStatistics({0, 0, 0}), 1).value == 0);
  CHECK(OrderStatistic(Distribution(), 0).found());
}

}  // namespace
}  // namespace halftone::observers
