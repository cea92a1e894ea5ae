// The searches beside plain ones that try the same candidates one by one, without giving any up.
#include <doctest/doctest.h>

#include "plugins/observers/clipped_energy.h"
#include "plugins/observers/divergence_range.h"
#include "plugins/observers/squared_error_range.h"
#include "tests/unit/passes/made_statistics.h"
#include "tests/unit/passes/plain_divergence.h"

namespace halftone::observers {
namespace {

// A few clusters of random place, width and weight, some values exactly 0 and a few far away.
std::vector<double> clusters(unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(-2, 2);
  std::vector<double> values(random() % 500, 0.0);
  for (auto left = 1 + random() % 4; left > 0; --left) {
    const double place = uniform(random), width = std::exp2(2 * uniform(random) - 3);
    std::normal_distribution<double> normal(place, width);
    for (auto n = 100 + random() % 4000; n > 0; --n) {
      values.push_back(static_cast<double>(static_cast<float>(normal(random))));
    }
  }
  for (auto n = random() % 3; n > 0; --n) values.push_back(5 * uniform(random));
  return values;
}

TEST_CASE("the divergence of random histograms is that of the definition") {
  std::mt19937_64 random(5);
  for (unsigned seed = 0; seed < 12; ++seed) {
    const MadeStatistics made(clusters(seed));
    const LinearHistogram h = linear_histogram(made.distribution(), -1.5, 2.5, 700);
    const std::size_t levels = std::size_t{1} << (seed % 8);
    DivergenceTable table(h, levels);
    for (int i = 0; i < 60; ++i) {
      const std::size_t first = random() % (699 - levels), room = 700 - first - levels;
      const std::size_t last = std::max(first + 2, first + levels + random() % (room + 1));
      CAPTURE(seed);
      CAPTURE(first);
      CAPTURE(last);
      double kept = h.zeros;
      for (std::size_t b = first; b < last; ++b) kept += h.counts[b];
      if (kept == 0) continue;
      CHECK(table.divergence(first, last) ==
            doctest::Approx(plain_divergence(h, first, last, levels)).epsilon(1e-9).scale(1e-3));
    }
  }
}

TEST_CASE("no limit on random histograms loses less information than the one found") {
  for (unsigned seed = 20; seed < 26; ++seed) {
    const MadeStatistics made(clusters(seed));
    const Distribution d = made.distribution();
    const double whole = d.absolute_maximum();
    const double found = symmetric_divergence_range(d, 8).high;
    if (found < whole / 4) continue;  // found in a smaller domain
    const LinearHistogram h = absolute_histogram(d, whole, kDivergenceBins);
    const auto from =
        static_cast<std::size_t>(std::ceil(ClippingTable(d).least_factor({-whole, whole}, {}) * kDivergenceBins));
    double least = 1e30;
    for (std::size_t last = std::max<std::size_t>(from, 128); last <= kDivergenceBins; ++last) {
      least = std::min(least, plain_divergence(h, 0, last, 128));
    }
    CAPTURE(seed);
    CHECK(plain_divergence(h, 0, static_cast<std::size_t>(std::lround(found / h.width)), 128) <= least + 1e-12);
  }
}

ht_quant_spec spec_of(std::uint32_t symmetry, unsigned bits, std::uint32_t form) {
  ht_quant_spec spec{};
  spec.struct_size = sizeof(spec);
  spec.kind = HT_QUANT_INTEGER;
  spec.bits = bits;
  spec.quant_min = symmetry == HT_SYMMETRIC ? -(1 << (bits - 1)) : 0;
  spec.quant_max = symmetry == HT_SYMMETRIC ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
  spec.symmetry = symmetry;
  spec.scale_form = form;
  return spec;
}

template <typename Error>
double plain_best_factor(const Error &error_of) {
  double best = 1, least = error_of(1.0);
  const auto consider = [&](double factor) {
    const double e = error_of(factor);
    if (e < least) least = e, best = factor;
  };
  for (int i = 1; i <= 128; ++i) consider(std::exp2(-static_cast<double>(i) / 8));
  const double step = std::exp2(1.0 / 8), low = best / step, high = std::min(best * step, 1.0);
  for (int i = 1; i < 24; ++i) consider(low + (high - low) * i / 24);
  return best;
}

Range plain_search(const Distribution &d, const ht_quant_spec &spec, double clip_weight) {
  const SquaredErrorTable table(d, clip_weight);
  const auto error_of = [&](Range r) { return table.error(grid_for(spec, r)); };
  if (spec.symmetry == HT_SYMMETRIC) {
    const double limit = d.absolute_maximum();
    const double f = plain_best_factor([&](double x) { return error_of({-limit * x, limit * x}); });
    return {-limit * f, limit * f};
  }
  const Range whole{std::min(d.minimum, 0.0), std::max(d.maximum, 0.0)};
  const double both = plain_best_factor([&](double f) { return error_of({whole.low * f, whole.high * f}); });
  Range best{whole.low * both, whole.high * both};
  for (int round = 0; round < 2; ++round) {
    if (whole.high > 0)
      best.high = whole.high * plain_best_factor([&](double f) { return error_of({best.low, whole.high * f}); });
    if (whole.low < 0)
      best.low = whole.low * plain_best_factor([&](double f) { return error_of({whole.low * f, best.high}); });
  }
  return best;
}

TEST_CASE("giving candidates up early finds the same range of least error") {
  for (unsigned seed = 40; seed < 60; ++seed) {
    const MadeStatistics made(clusters(seed));
    const std::uint32_t symmetry = seed % 2 == 0 ? HT_SYMMETRIC : HT_ASYMMETRIC;
    const std::uint32_t form = seed % 5 == 0 ? HT_SCALE_POWER_OF_TWO : HT_SCALE_FREE;
    const ht_quant_spec spec = spec_of(symmetry, seed % 3 == 0 ? 4 : 8, form);
    const double weight = seed % 4 == 0 ? 1 : 0.5;
    const Range fast = squared_error_range(made.distribution(), spec, weight);
    const Range plain = plain_search(made.distribution(), spec, weight);
    CAPTURE(seed);
    CHECK(fast.low == plain.low);
    CHECK(fast.high == plain.high);
  }
}

TEST_CASE("an error is given up only when it is more than enough") {
  const MadeStatistics made(clusters(3));
  const SquaredErrorTable table(made.distribution(), 0.5);
  const ht_quant_spec spec = spec_of(HT_SYMMETRIC, 8, HT_SCALE_FREE);
  for (int i = 0; i < 100; ++i) {
    const Grid grid = grid_for(spec, {-std::exp2(-i / 10.0) * 8, std::exp2(-i / 10.0) * 8});
    const double whole = table.error(grid);
    CHECK(table.error(grid, whole) == whole);
    CHECK(table.error(grid, whole * 1.5) == whole);
    CHECK(table.error(grid, whole * 0.5) > whole * 0.5);
  }
}

}  // namespace
}  // namespace halftone::observers
