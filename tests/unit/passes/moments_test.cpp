#include "plugins/observers/moments.h"

#include <doctest/doctest.h>

#include "tests/unit/passes/made_statistics.h"

namespace halftone::observers {
namespace {

TEST_CASE("any guess leads to the same number of edges") {
  const MadeStatistics made(laplace(500, 1));
  const MomentTable table(made.distribution());
  std::vector<double> points = made.edges;
  for (const double e : made.edges) points.push_back(e * 1.0001);
  points.insert(points.end(), {-1e9, 1e9, 0.0});
  for (std::size_t i = 0; i < points.size(); i += 7) {
    const auto above = std::upper_bound(made.edges.begin(), made.edges.end(), points[i]);
    const auto wanted = static_cast<std::size_t>(above - made.edges.begin());
    for (const std::size_t guess : {std::size_t{0}, wanted, wanted + 1, made.edges.size() / 2, made.edges.size() + 9}) {
      CHECK(table.edges_until(points[i], guess) == wanted);
    }
    if (wanted > 0) CHECK(table.edges_until(points[i], wanted - 1) == wanted);
  }
}

TEST_CASE("moments up to a point are those of the values below it") {
  const std::vector<double> values = laplace(20000, 1);
  const MadeStatistics made(values);
  const MomentTable table(made.distribution());
  for (const double x : {-100.0, -2.5, -0.3, 0.0, 0.01, 1.0, 100.0}) {
    Moments sum;
    double size = 0;  // the sum itself nearly cancels
    for (const double v : values) {
      if (v < x) sum.mass += 1, sum.first += v, sum.second += v * v, size += std::abs(v);
    }
    CAPTURE(x);
    const Moments got = table.until(x);
    CHECK(std::abs(got.mass - sum.mass) <= 2);
    CHECK(std::abs(got.first - sum.first) <= 1e-3 * size);
    CHECK(got.second == doctest::Approx(sum.second).epsilon(1e-3));
  }
}

}  // namespace
}  // namespace halftone::observers
