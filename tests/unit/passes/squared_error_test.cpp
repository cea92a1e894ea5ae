#include "plugins/observers/squared_error_range.h"

#include <doctest/doctest.h>

#include "tests/unit/passes/made_statistics.h"

namespace halftone::observers {
namespace {

ht_quant_spec int8(std::uint32_t symmetry) {
  ht_quant_spec spec{};
  spec.struct_size = sizeof(spec);
  spec.kind = HT_QUANT_INTEGER;
  spec.bits = 8;
  spec.is_signed = symmetry == HT_SYMMETRIC ? 1 : 0;
  spec.quant_min = symmetry == HT_SYMMETRIC ? -128 : 0;
  spec.quant_max = symmetry == HT_SYMMETRIC ? 127 : 255;
  spec.symmetry = symmetry;
  spec.granularity = HT_PER_TENSOR;
  spec.scale_form = HT_SCALE_FREE;
  spec.span = HT_SPAN_NARROW;
  spec.rounding = HT_ROUND_HALF_EVEN;
  return spec;
}

// What quantizing each value would really cost.
double real_error(const std::vector<double> &values, const Grid &grid) {
  double sum = 0;
  for (const double x : values) {
    const double k =
        std::clamp(std::nearbyint(x / grid.scale), static_cast<double>(grid.first), static_cast<double>(grid.last));
    sum += (x - k * grid.scale) * (x - k * grid.scale);
  }
  return sum / static_cast<double>(values.size());
}

double real_error(const std::vector<double> &values, const ht_quant_spec &spec, Range range) {
  return real_error(values, grid_for(spec, range));
}

TEST_CASE("the error model equals quantization of the values") {
  for (const std::uint32_t symmetry : {HT_SYMMETRIC, HT_ASYMMETRIC}) {
    const ht_quant_spec spec = int8(symmetry);
    for (const auto &values : {gaussian(20000, 1), laplace(20000, 0.2), rectified(gaussian(20000, 1))}) {
      const MadeStatistics made(values);
      const SquaredErrorTable table(made.distribution());
      for (const double limit : {0.1, 0.5, 1.0, 3.0, 6.0}) {
        const Grid grid = grid_for(spec, {-limit, limit});
        CAPTURE(limit);
        CHECK(table.error(grid) == doctest::Approx(real_error(values, grid)).epsilon(0.01));
      }
    }
  }
}

TEST_CASE("no other range of a dense search is much better") {
  for (const std::uint32_t symmetry : {HT_SYMMETRIC, HT_ASYMMETRIC}) {
    const ht_quant_spec spec = int8(symmetry);
    for (auto values : {gaussian(20000, 1), laplace(20000, 0.2), rectified(laplace(20000, 1))}) {
      values.push_back(40);
      const MadeStatistics made(values);
      const Range whole = {made.sorted.front(), made.sorted.back()};
      double least = 1e30;
      for (int i = 1; i <= 400; ++i) {
        const double f = i / 400.0;
        least = std::min(least, real_error(values, spec, {whole.low * f, whole.high * f}));
        least = std::min(least, real_error(values, spec, {whole.low, whole.high * f}));
      }
      CHECK(real_error(values, spec, squared_error_range(made.distribution(), spec)) <= least * 1.02);
    }
  }
}

TEST_CASE("a Gaussian in eight bits is clipped near four deviations") {
  const MadeStatistics made(gaussian(200000, 1));
  const Range r = squared_error_range(made.distribution(), int8(HT_SYMMETRIC));
  CHECK(r.high > 3.4);
  CHECK(r.high < 4.6);
}

TEST_CASE("clipped values that count less give narrower ranges") {
  std::vector<double> values = gaussian(20000, 1);
  for (int i = 0; i < 20; ++i) values.push_back(40.0);
  const MadeStatistics made(values);
  for (const std::uint32_t symmetry : {HT_SYMMETRIC, HT_ASYMMETRIC}) {
    const Range plain = squared_error_range(made.distribution(), int8(symmetry));
    const Range half = squared_error_range(made.distribution(), int8(symmetry), 0.5);
    const Range little = squared_error_range(made.distribution(), int8(symmetry), 0.001);
    CHECK(half.high <= plain.high);
    CHECK(little.high < half.high);
    CHECK(little.high < 0.6 * plain.high);
    CHECK(plain.high > 20);
  }
}

TEST_CASE("power-of-two scales are judged as they are") {
  ht_quant_spec spec = int8(HT_SYMMETRIC);
  spec.scale_form = HT_SCALE_POWER_OF_TWO;
  std::vector<double> values = gaussian(20000, 1);
  values.push_back(4.2);  // the whole range would need scale 1/16
  const Grid grid = grid_for(spec, squared_error_range(MadeStatistics(values).distribution(), spec));
  CHECK(grid.scale == 1.0 / 32);
}

TEST_CASE("degenerate data") {
  const ht_quant_spec spec = int8(HT_SYMMETRIC);
  CHECK(squared_error_range(MadeStatistics(std::vector<double>(5, 0.0)).distribution(), spec).high == 0);
  CHECK(squared_error_range(Distribution{}, spec).high == 0);
  const Range one =
      squared_error_range(MadeStatistics(std::vector<double>(5, 2.5)).distribution(), int8(HT_ASYMMETRIC));
  CHECK(one.low == 0);
  CHECK(one.high >= 2.49);
}

}  // namespace
}  // namespace halftone::observers
