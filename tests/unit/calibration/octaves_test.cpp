#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "core/calibration/octaves.h"
#include "tests/unit/calibration/samples.h"

namespace halftone::calibration {
namespace {

std::uint32_t bits_of(float x) {
  return std::bit_cast<std::uint32_t>(x);
}

Octaves with_top(std::int32_t top) {
  Octaves o;
  o.raise(top);
  return o;
}

TEST_CASE("for every top the bins tile the magnitudes without gap or overlap, and bin_of inverts interval") {
  for (std::int32_t top = 0; top < 255; ++top) {
    const Octaves o = with_top(top);
    std::uint32_t next = 0;
    for (std::uint32_t bin = 0; bin < Octaves::kBins; ++bin) {
      const Octaves::Interval interval = o.interval(bin);
      if (interval.first == interval.end) {
        REQUIRE(interval.first == 0);  // only below the smallest float
        continue;
      }
      REQUIRE(interval.first == next);
      next = interval.end;
      if (bin > 0) REQUIRE(o.bin_of(interval.first) == bin);
      REQUIRE(o.bin_of(interval.end - 1) == bin);
    }
    REQUIRE(next == static_cast<std::uint32_t>(top + 1) << 23);
  }
}

TEST_CASE("octaves are cut as promised: widths relative to the octave") {
  const Octaves o = with_top(127 + 3);  // largest value in [8, 16)
  const auto width = [&](float x) {
    const Octaves::Interval i = o.interval(o.bin_of(bits_of(x)));
    return std::bit_cast<float>(i.end) - std::bit_cast<float>(i.first);
  };
  CHECK(width(15.9F) == 8.0F / 2048);
  CHECK(width(8.0F) == 8.0F / 2048);
  CHECK(width(1.0F) == 1.0F / 2048);         // the fourth octave from above
  CHECK(width(0.99F) == 0.5F / 256);         // the fifth
  CHECK(width(0x1p-12F) == 0x1p-12F / 256);  // the sixteenth
  CHECK(o.bin_of(bits_of(0x1.fffp-13F)) == 0);
  CHECK(width(0x1p-13F) == 0x1p-12F);  // all that is smaller
}

TEST_CASE("raising the top merges whole bins only: a bin's interval lies inside one bin of any larger top") {
  std::mt19937 random(1);
  for (int round = 0; round < 60; ++round) {
    const auto low = static_cast<std::int32_t>(random() % 250);
    const Octaves fine = with_top(low), coarse = with_top(low + 1 + static_cast<std::int32_t>(random() % 5));
    for (std::uint32_t bin = 0; bin < Octaves::kBins; ++bin) {
      const Octaves::Interval i = fine.interval(bin);
      if (i.first == i.end) continue;
      const std::uint32_t outer = coarse.bin_of(i.end - 1);
      REQUIRE(coarse.interval(outer).first <= i.first);
      REQUIRE(coarse.interval(outer).end >= i.end);
    }
  }
}

TEST_CASE("counts of one top are added bin by bin, whatever their lower parts hold") {
  // 40,000 times the same: more than 15 bits that are not carried yet.
  std::vector<float> many(40000, 1.5F), both{-1.75F, 0.25F, 1.5F, -1.0F};
  Octaves positive, mixed;
  positive.count(many.data(), many.size());
  mixed.count(both.data(), both.size());
  for (auto [a, b] : {std::pair{positive, positive}, std::pair{positive, mixed}, std::pair{mixed, positive}}) {
    Octaves sum = a;
    for (std::uint64_t times = 1; times <= 3; ++times) {
      sum.add(b);
      for (const bool negative : {false, true}) {
        for (std::uint32_t bin = 0; bin < Octaves::kBins; ++bin) {
          REQUIRE(sum.at(negative, bin) == a.at(negative, bin) + times * b.at(negative, bin));
        }
      }
    }
    Octaves counted = sum;  // goes on counting
    counted.count(both.data(), both.size());
    sum.add(mixed);
    CHECK(counted == sum);
  }
}

TEST_CASE("counters that reach 32 bits go on in 64") {
  Octaves a = with_top(130), b = with_top(130);
  a.put(false, 9000, 0xFFFFFFF0U);
  b.put(false, 9000, 0x20);
  b.put(true, 77, 5);
  const std::size_t before = a.bytes();
  Octaves ab = a, ba = b;
  ab.add(b);
  ba.add(a);
  CHECK(ab.at(false, 9000) == 0x100000010U);
  CHECK(ab == ba);
  CHECK(ab.bytes() > before);
  // A wide accumulator counts on as before.
  const std::vector<float> values{15.0F, -0.5F, 15.0F, 0.0F};
  Octaves narrow;
  narrow.count(values.data(), values.size());
  Octaves joined = ab;
  joined.add(narrow);
  ab.count(values.data(), values.size());
  CHECK(ab == joined);
  CHECK(ab.at(false, ab.bin_of(bits_of(15.0F))) == 2);
  Octaves higher = ab;
  higher.raise(133);  // moves 64-bit counters
  CHECK(higher.at(true, higher.bin_of(bits_of(0.5F))) == 1);
  std::uint64_t total = 0, total_before = 0;
  for (std::uint32_t bin = 0; bin < Octaves::kBins; ++bin) {
    total += higher.at(false, bin) + higher.at(true, bin);
    total_before += ab.at(false, bin) + ab.at(true, bin);
  }
  CHECK(total == total_before);
}

TEST_CASE("counters stay narrow up to the limit, and never need more memory than planned for") {
  Octaves o = with_top(130);
  o.put(true, 11000, Octaves::kNarrowValues - 40000);
  const std::vector<float> values(20000, 15.99F);
  o.count(values.data(), values.size());
  o.count(values.data(), values.size());
  CHECK(o.bytes() <= histogram_bytes(false));
  CHECK(o.at(false, o.bin_of(bits_of(15.99F))) == 40000);
  o.count(values.data(), 1);
  CHECK(o.bytes() > histogram_bytes(false));
  CHECK(o.bytes() <= histogram_bytes(true));
  CHECK(o.at(false, o.bin_of(bits_of(15.99F))) == 40001);
  CHECK(o.at(true, 11000) == Octaves::kNarrowValues - 40000);
  o.count(values.data(), values.size());
  o.count(values.data(), values.size());
  CHECK(o.at(false, o.bin_of(bits_of(15.99F))) == 80001);
}

TEST_CASE("every count survives the carries, whatever was counted between them") {
  std::mt19937 random(5);
  Octaves all, parts, mixed;
  std::uint64_t same = 0;
  for (int round = 0; round < 200; ++round) {
    // Many equal values fill one counter as fast as possible; the others come and go.
    std::vector<float> values(1 + random() % 9000, 1.5F);
    same += values.size();
    for (std::uint32_t i = 0; i < random() % 50; ++i) values.push_back(test::awkward(random, 1e-3F) * 1e-38F);
    all.count(values.data(), values.size());
    Octaves part;
    part.count(values.data(), values.size());
    parts.add(part);
    if (round % 3 == 0) {
      mixed.add(part);
    } else {
      mixed.count(values.data(), values.size());
    }
    REQUIRE(all == parts);
    REQUIRE(all == mixed);
    REQUIRE(all.at(false, all.bin_of(bits_of(1.5F))) == same);
  }
  CHECK(same > 500000);
}

TEST_CASE("counting goes on right after a merge that left much in one counter") {
  const std::vector<float> few{1.0F, 1.0F}, many(32767, 1.5F);
  Octaves a, b;
  a.count(few.data(), few.size());
  b.count(many.data(), many.size());
  a.add(b);
  a.count(many.data(), many.size());
  a.count(many.data(), many.size());
  CHECK(a.at(false, a.bin_of(bits_of(1.5F))) == 3 * 32767);
  CHECK(a.at(false, a.bin_of(bits_of(1.0F))) == 2);
}

TEST_CASE("raising the top moves each bin's count to the bin that holds it") {
  std::mt19937 random(6);
  for (const std::int32_t steps : {1, 2, 3, 4, 5, 11, 12, 13, 15, 16, 17, 100}) {
    for (const std::int32_t top : {0, 3, 15, 16, 130}) {
      Octaves before = with_top(top), expected = with_top(top + steps);
      for (int i = 0; i < 3000; ++i) {
        const auto bin = static_cast<std::uint32_t>(random() % Octaves::kBins);
        const Octaves::Interval interval = before.interval(bin);
        if (interval.first == interval.end) continue;
        const bool negative = random() % 2 != 0;
        const std::uint64_t count = random() % 100000;
        before.put(negative, bin, count);
        expected.put(negative, expected.bin_of(interval.first), count);
      }
      before.raise(top + steps);
      REQUIRE(before == expected);
    }
  }
}

TEST_CASE("the negative half costs memory only where negative values occur") {
  const std::vector<float> positive{1.0F, 0.0F, -0.0F, 2.5F}, negative{1.0F, -1e-30F};
  Octaves a, b;
  a.count(positive.data(), positive.size());
  b.count(negative.data(), negative.size());
  CHECK(a.bytes() < 46000);
  CHECK(b.bytes() < 91000);
  CHECK(b.bytes() > a.bytes());
}

}  // namespace
}  // namespace halftone::calibration
