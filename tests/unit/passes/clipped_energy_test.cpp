#include "plugins/observers/clipped_energy.h"

#include <doctest/doctest.h>

#include "plugins/observers/divergence_range.h"
#include "tests/unit/passes/made_statistics.h"

namespace halftone::observers {
namespace {

TEST_CASE("what a range cuts off is what the values say") {
  const std::vector<double> values = laplace(20000, 1);
  const MadeStatistics made(values);
  for (const Range range : {Range{-1, 2}, Range{-0.5, 0.1}, Range{0, 0}, Range{-100, 100}}) {
    double all = 0, cut = 0, outside = 0;
    for (const double x : values) {
      const double out = x - std::clamp(x, range.low, range.high);
      all += x * x;
      cut += out * out;
      outside += out != 0 ? 1 : 0;
    }
    const Clipped clipped = ClippingTable(made.distribution()).clipped_by(range);
    CHECK(clipped.energy == doctest::Approx(cut / all).epsilon(1e-4));
    CHECK(clipped.values == doctest::Approx(outside / static_cast<double>(values.size())).epsilon(1e-2));
  }
}

TEST_CASE("the least factors cut off what is allowed and no more") {
  const MadeStatistics made(laplace(20000, 1));
  const Distribution d = made.distribution();
  const Range whole{d.minimum, d.maximum};
  const ClippingTable table(d);
  const double f = table.least_upper_factor(whole, {0.02, 0});
  CHECK(table.clipped_by({whole.low, whole.high * f}).energy == doctest::Approx(0.02).epsilon(1e-6));
  const double g = table.least_lower_factor(whole, {0, 0.01});
  CHECK(table.clipped_by({whole.low * g, whole.high}).values == doctest::Approx(0.01).epsilon(1e-2));
  CHECK(table.least_factor(whole, {1, 0}) == 0);
  CHECK(table.least_factor(whole, {0, 0}) > 0.999);
}

TEST_CASE("a softmax keeps its few large values") {
  std::vector<double> values;
  for (int sample = 0; sample < 100; ++sample) {
    values.push_back(0.9);
    for (int i = 1; i < 1000; ++i) values.push_back(0.1 / 999 * (1 + i % 7) / 4);
  }
  const MadeStatistics made(values);
  CHECK(asymmetric_divergence_range(made.distribution(), 8).high > 0.8);
  CHECK(symmetric_divergence_range(made.distribution(), 8).high > 0.8);
}

}  // namespace
}  // namespace halftone::observers
