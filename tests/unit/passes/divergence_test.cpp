#include "plugins/observers/divergence_range.h"

#include <doctest/doctest.h>

#include "tests/unit/passes/made_statistics.h"
#include "tests/unit/passes/plain_divergence.h"

namespace halftone::observers {
namespace {

TEST_CASE("prefix sums give the divergence of the definition") {
  const MadeStatistics made(rectified(gaussian(5000, 1)));
  const LinearHistogram one_sided = absolute_histogram(made.distribution(), 2.0, 512);
  DivergenceTable table(one_sided, 32);
  for (const std::size_t last : {32UL, 33UL, 100UL, 300UL, 511UL, 512UL}) {
    CAPTURE(last);
    CHECK(table.divergence(0, last) == doctest::Approx(plain_divergence(one_sided, 0, last, 32)).epsilon(1e-9));
  }
  const MadeStatistics both(laplace(3000, 1));
  const LinearHistogram two_sided = linear_histogram(both.distribution(), -3, 4, 512);
  DivergenceTable signed_table(two_sided, 16);
  for (const std::size_t first : {0UL, 7UL, 150UL}) {
    CAPTURE(first);
    CHECK(signed_table.divergence(first, 470) ==
          doctest::Approx(plain_divergence(two_sided, first, 470, 16)).epsilon(1e-9));
  }
}

TEST_CASE("linear histograms keep the mass") {
  const MadeStatistics made(laplace(10000, 1), 16);  // coarse bins are spread over finer ones
  const LinearHistogram h = linear_histogram(made.distribution(), -2, 3, 1000);
  double sum = h.below + h.above;
  for (const double c : h.counts) sum += c;
  CHECK(sum == doctest::Approx(10000.0 - static_cast<double>(made.zeros)));
  CHECK(h.above > 100);
  CHECK(h.below > 100);
}

TEST_CASE("an outlier is clipped and the bulk keeps its range") {
  std::vector<double> values = gaussian(50000, 1);
  values.push_back(5000);
  const Range r = symmetric_divergence_range(MadeStatistics(values).distribution(), 8);
  CHECK(r.high > 2);
  CHECK(r.high < 8);
  CHECK(r.low == -r.high);
  const Range a = asymmetric_divergence_range(MadeStatistics(values).distribution(), 8);
  CHECK(a.high > 2);
  CHECK(a.high < 10);
  CHECK(a.low < -2);
}

TEST_CASE("a flat distribution is not clipped") {
  std::vector<double> values;
  for (int i = 1; i <= 40960; ++i) values.push_back(i / 4096.0);
  const Range r = symmetric_divergence_range(MadeStatistics(values).distribution(), 8);
  CHECK(r.high > 9.5);
  CHECK(r.high <= 10.0);
}

TEST_CASE("rectified data: the asymmetric search starts at zero") {
  const MadeStatistics made(rectified(gaussian(50000, 1)));
  const Range r = asymmetric_divergence_range(made.distribution(), 8);
  CHECK(r.low == 0);
  CHECK(r.high > 1.5);
  CHECK(r.high <= made.sorted.back() + 1e-12);
}

TEST_CASE("degenerate data and wide types keep the whole range") {
  CHECK(symmetric_divergence_range(MadeStatistics(std::vector<double>(9, 0.0)).distribution(), 8).high == 0);
  CHECK(symmetric_divergence_range(Distribution{}, 8).high == 0);
  const Range one = symmetric_divergence_range(MadeStatistics(std::vector<double>(9, -2.5)).distribution(), 8);
  CHECK(one.high == doctest::Approx(2.5).epsilon(0.01));
  const MadeStatistics wide(gaussian(1000, 1));
  CHECK(symmetric_divergence_range(wide.distribution(), 16).high == wide.distribution().absolute_maximum());
}

}  // namespace
}  // namespace halftone::observers
