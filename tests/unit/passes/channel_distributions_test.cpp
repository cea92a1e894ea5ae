#include "plugins/observers/channel_distributions.h"

#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>

#include "plugins/observers/percentile_range.h"
#include "plugins/observers/squared_error_range.h"
#include "tests/unit/passes/made_statistics.h"

namespace halftone::observers {
namespace {

// Rows of a matrix as channels.
struct Rows {
  explicit Rows(const std::vector<std::vector<double>> &rows) {
    for (const auto &row : rows) {
      low.push_back(static_cast<float>(*std::min_element(row.begin(), row.end())));
      high.push_back(static_cast<float>(*std::max_element(row.begin(), row.end())));
      for (const double x : row) values.push_back(static_cast<float>(x));
    }
    shape = {static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows.front().size())};
    statistics.struct_size = sizeof(statistics);
    statistics.channel_count = rows.size();
    statistics.channel_minimum = low.data();
    statistics.channel_maximum = high.data();
    statistics.channel_elements = rows.front().size();
  }
  std::vector<float> values, low, high;
  std::vector<std::int64_t> shape;
  ht_statistics statistics{};
};

double squared_error(const std::vector<double> &values, double limit, int bits) {
  const double steps = std::exp2(bits - 1) - 1, scale = limit / steps;
  double sum = 0;
  for (const double x : values) {
    const double q = std::clamp(std::nearbyint(x / scale), -steps - 1, steps);
    sum += (x - q * scale) * (x - q * scale);
  }
  return sum;
}

ht_quant_spec spec_of(unsigned bits) {
  ht_quant_spec spec{};
  spec.kind = HT_QUANT_INTEGER;
  spec.bits = bits;
  spec.is_signed = 1;
  spec.quant_min = -(std::int64_t{1} << (bits - 1));
  spec.quant_max = (std::int64_t{1} << (bits - 1)) - 1;
  spec.symmetry = HT_SYMMETRIC;
  spec.span = HT_SPAN_NARROW;
  spec.scale_form = HT_SCALE_FREE;
  return spec;
}

TEST_CASE("mse of channels is as good as brute force") {
  for (const std::size_t count : {std::size_t{600}, std::size_t{6000}}) {
    const std::vector<std::vector<double>> rows = {gaussian(count, 1), laplace(count, 0.1), gaussian(count, 30, 7)};
    const Rows made(rows);
    ChannelDistributions found(made.statistics);
    found.add(made.values, made.shape, 0);
    for (std::size_t c = 0; c < rows.size(); ++c) {
      const Range range = found.visit(c, [](const Distribution &d) { return squared_error_range(d, spec_of(4)); });
      double least = squared_error(rows[c], static_cast<double>(std::max(-made.low[c], made.high[c])), 4);
      const double whole = static_cast<double>(std::max(-made.low[c], made.high[c]));
      for (int i = 20; i < 1000; ++i) least = std::min(least, squared_error(rows[c], whole * i / 1000, 4));
      // The continuous search spreads values inside bins; the brute one knows each.
      CHECK(squared_error(rows[c], range.high, 4) < 1.03 * least);
    }
  }
}

TEST_CASE("channels along an inner axis, zeros apart, merged in any order") {
  const std::vector<float> first = {1, 0, 3, -4, 5, 6}, second = {-1, 2, 0, 4, 0, -6};  // [1, 3, 2]
  const std::vector<std::int64_t> shape = {1, 3, 2};
  const std::vector<float> low = {-1, -4, -6}, high = {2, 4, 6};
  ht_statistics statistics{};
  statistics.channel_count = 3;
  statistics.channel_minimum = low.data();
  statistics.channel_maximum = high.data();
  statistics.channel_elements = 4;
  ChannelDistributions a(statistics), b(statistics), c(statistics);
  a.add(first, shape, 1);
  b.add(second, shape, 1);
  c.merge(b);
  c.merge(a);
  const auto check = [&](std::size_t channel, std::uint64_t zeros, std::vector<double> lower) {
    c.visit(channel, [&](const Distribution &d) {
      CHECK(d.zeros == zeros);
      CHECK(d.total() == 4);
      std::vector<double> seen;
      for (std::size_t i = 0; i < d.counts.size(); ++i) {
        for (std::uint64_t k = 0; k < d.counts[i]; ++k) seen.push_back(d.edges[i]);
      }
      CHECK(seen == lower);
      return 0;
    });
  };
  check(0, 1, {-1, 1, 2});
  check(1, 1, {-4, 3, 4});
  check(2, 1, {-6, 5, 6});
}

TEST_CASE("other channels are refused") {
  const Rows made({{1, 2}, {3, 4}});
  ChannelDistributions found(made.statistics);
  const std::vector<std::int64_t> shape = {4, 1};
  CHECK_THROWS_AS(found.add(made.values, shape, 0), std::invalid_argument);
}

}  // namespace
}  // namespace halftone::observers
