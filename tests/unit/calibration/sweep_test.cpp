// The vector loops of every instruction set against their plain definitions.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "core/calibration/octaves.h"
#include "core/calibration/sweep.h"
#include "tests/unit/calibration/samples.h"
#include "tests/unit/quant/vector_targets.h"

namespace halftone::calibration {
namespace {

std::vector<float> awkward_values(std::size_t count, std::mt19937 &random) {
  std::vector<float> values(count);
  for (float &x : values) x = test::awkward(random, 1.0F);
  return values;
}

void check_same(const Extent &fast, const Extent &exact) {
  CHECK(fast.minimum == exact.minimum);
  CHECK(fast.maximum == exact.maximum);
  CHECK(fast.largest_bits == exact.largest_bits);
  CHECK(fast.zeros == exact.zeros);
}

constexpr std::size_t kLengths[] = {0, 1, 3, 7, 8, 15, 16, 17, 31, 64, 100, 1023, 4096};

TEST_CASE("scan finds the same extent") {
  test::for_each_vector_target([](const char *target) {
    CAPTURE(target);
    std::mt19937 random(1);
    for (const std::size_t length : kLengths) {
      const std::vector<float> values = awkward_values(length, random);
      check_same(scan(values.data(), length), plain::scan(values.data(), length));
    }
  });
}

TEST_CASE("one bad value anywhere is noticed") {
  test::for_each_vector_target([](const char *target) {
    CAPTURE(target);
    std::vector<float> values(67, 1.5F);
    std::vector<std::uint16_t> slots(values.size() + kSlotMargin);
    CHECK(scan(values.data(), values.size()).finite());
    for (float &x : values) {
      for (const float bad : {INFINITY, -INFINITY, NAN, -NAN}) {
        x = bad;
        CHECK_FALSE(scan(values.data(), values.size()).finite());
        CHECK_FALSE(scan_slots(values.data(), values.size(), {}, 12000, slots.data()).finite());
      }
      x = 1.5F;
    }
  });
}

TEST_CASE("scan_slots finds the same extent, leaves the zeros out and numbers the same bins") {
  test::for_each_vector_target([](const char *target) {
    CAPTURE(target);
    std::mt19937 random(2);
    for (const std::size_t length : kLengths) {
      for (int round = 0; round < 4; ++round) {
        const std::vector<float> values = awkward_values(length, random);
        // Of a top that is at least the largest value's, as bins are below kBins for no other.
        const auto top = static_cast<std::int32_t>(plain::scan(values.data(), length).largest_bits >> 23);
        const std::int32_t above = top + static_cast<std::int32_t>(random() % 20);
        const BinMap map{Octaves::kCoarseOctaves * Octaves::kCoarseBins + 1 - (above - 3) * Octaves::kFineBins,
                         1 - (above - 15) * Octaves::kCoarseBins};
        std::vector<std::uint16_t> fast(length + kSlotMargin), exact(length + kSlotMargin);
        const Extent extent = scan_slots(values.data(), length, map, 12000, fast.data());
        check_same(extent, plain::scan_slots(values.data(), length, map, 12000, exact.data()));
        const std::size_t found = length - extent.zeros;
        fast.resize(found);
        exact.resize(found);
        CHECK(fast == exact);
      }
    }
  });
}

TEST_CASE("column ranges are the same for every width") {
  test::for_each_vector_target([](const char *target) {
    CAPTURE(target);
    std::mt19937 random(3);
    for (std::size_t width = 1; width < 40; ++width) {
      const std::size_t rows = random() % 9, stride = width + random() % 3;
      const std::vector<float> values = awkward_values(rows * stride + width, random);
      std::vector<float> low(width, 0.5F), high(width, 0.25F), exact_low = low, exact_high = high;
      column_range(values.data(), rows, width, stride, low.data(), high.data());
      plain::column_range(values.data(), rows, width, stride, exact_low.data(), exact_high.data());
      CHECK(low == exact_low);
      CHECK(high == exact_high);
    }
  });
}

std::vector<std::uint64_t> bits_of(const std::vector<double> &values) {
  std::vector<std::uint64_t> bits;
  for (const double x : values) bits.push_back(std::bit_cast<std::uint64_t>(x));
  return bits;
}

TEST_CASE("moments of runs and of columns have the same bits, for every length and phase") {
  test::for_each_vector_target([](const char *target) {
    CAPTURE(target);
    std::mt19937 random(4);
    for (std::size_t size = 1; size < 60; ++size) {
      const std::size_t phase = random() % 8, rows = random() % 20, stride = size + random() % 2;
      const std::vector<float> values = awkward_values(rows * stride + size, random);
      std::vector<double> sums(8 * size, 0.125), squares = sums, exact_sums = sums, exact_squares = sums;
      run_moments(values.data(), size, phase, sums.data(), squares.data());
      plain::run_moments(values.data(), size, phase, exact_sums.data(), exact_squares.data());
      CHECK(bits_of(sums) == bits_of(exact_sums));
      CHECK(bits_of(squares) == bits_of(exact_squares));
      column_moments(values.data(), rows, size, stride, phase, sums.data(), squares.data(), size);
      plain::column_moments(values.data(), rows, size, stride, phase, exact_sums.data(), exact_squares.data(), size);
      CHECK(bits_of(sums) == bits_of(exact_sums));
      CHECK(bits_of(squares) == bits_of(exact_squares));
    }
  });
}

}  // namespace
}  // namespace halftone::calibration
