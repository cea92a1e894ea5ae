#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <xxhash.h>

#include "core/base/error.h"
#include "core/calibration/accumulator.h"
#include "tests/unit/calibration/samples.h"

namespace halftone::calibration {
namespace {

Accumulator sample(unsigned seed, bool channels) {
  Request request;
  request.histogram = seed % 2 == 0;
  request.channel_range = channels;
  request.channel_moments = channels && seed % 3 != 0;
  request.channel_axis = 0;
  std::mt19937 random(seed);
  test::Tensor t{{6, 40}, {}, std::vector<float>(240)};
  for (float &x : t.data) x = test::moderate(random);
  Accumulator a(request);
  REQUIRE(a.observe(t.view()));
  return a;
}

// Damage that the checksum does not show, as a hostile or buggy writer could make it.
std::string sealed(std::string bytes) {
  bytes.resize(bytes.size() - 8);
  const std::uint64_t digest = XXH3_64bits(bytes.data(), bytes.size());
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(digest >> (8 * i)));
  return bytes;
}

TEST_CASE("what was written is read back, and counts on as before") {
  for (unsigned seed = 0; seed < 12; ++seed) {
    for (const bool channels : {false, true}) {
      Accumulator a = sample(seed, channels);
      Accumulator b = Accumulator::deserialize(a.serialize());
      CHECK(b == a);
      CHECK(b.serialize() == a.serialize());
      CHECK(b.histogram().counts == a.histogram().counts);
      test::Tensor more{{6, 3}, {}, std::vector<float>(18, -70000.0F)};
      REQUIRE(a.observe(more.view()));
      REQUIRE(b.observe(more.view()));
      CHECK(b == a);
    }
  }
  const Accumulator empty;
  CHECK(Accumulator::deserialize(empty.serialize()) == empty);
  Request request;
  request.histogram = true;
  const Accumulator zeros = test::collect(request, {0.0F, -0.0F});
  CHECK(Accumulator::deserialize(zeros.serialize()) == zeros);
}

TEST_CASE("every truncation and every flipped bit is data loss") {
  const std::string good = sample(4, true).serialize();
  const auto status_of = [](const std::string &bytes) {
    try {
      Accumulator::deserialize(bytes);
    } catch (const Error &error) {
      return error.status();
    }
    return Status::kOk;
  };
  REQUIRE(status_of(good) == Status::kOk);
  for (std::size_t size = 0; size < good.size(); ++size) CHECK(status_of(good.substr(0, size)) == Status::kDataLoss);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    // Byte 4 is the version, which is told apart.
    CHECK(status_of(bad) == (i == 4 ? Status::kFailedPrecondition : Status::kDataLoss));
  }
  CHECK(status_of(good + good) == Status::kDataLoss);
  CHECK(status_of("no statistics at all") == Status::kDataLoss);
}

TEST_CASE("histograms that contradict the head are data loss, although the checksum is right") {
  Request request;
  request.histogram = true;
  // 4 magic, version, flags, axis, count 2, zeros 0, two floats: the bins begin at byte 17.
  const std::string good = test::collect(request, {1.0F, 1.75F}).serialize();
  const auto forged = [&](const std::string &bins) { return sealed(good.substr(0, 17) + bins + std::string(10, 0)); };
  const auto damage = [](const std::string &bytes) -> std::string {
    try {
      Accumulator::deserialize(bytes);
    } catch (const Error &error) {
      CHECK(error.status() == Status::kDataLoss);
      return error.message();
    }
    return "accepted";
  };
  // 1.0 is bin 1 + 12 * 256 + 3 * 2048 = 9217, 1.75 lies 1536 bins above.
  const std::string first = "\x81\x48", gap = "\xFF\x0B";
  REQUIRE(forged("\x02" + first + "\x01" + gap + "\x01") == good);
  CHECK(damage(good) == "accepted");
  const auto says = [&](const std::string &bins, const char *what) {
    CAPTURE(what);
    CHECK(damage(forged(bins)).find(what) != std::string::npos);
  };
  says("\x02" + first + "\x01" + gap + "\x02", "an impossible bin");
  says("\x02" + first + "\x02" + gap + std::string(1, 0), "an impossible bin");
  says("\x01" + first + "\x01", "does not add up");
  // Two counts of 2^63 + 1, which add up modulo 2^64.
  const std::string huge = "\x81\x80\x80\x80\x80\x80\x80\x80\x80\x01";
  says("\x02" + first + huge + gap + huge, "an impossible bin");
  says("\x01" + first + "\x02", "does not end where the values do");
  says("\x02" + first + "\x01" + "\xFF\x0A" + "\x01", "does not end where the values do");
  says("\x02" + first + "\x01" + "\xFF\x0F" + "\x01", "a bin outside");
  says("\xFF\xFF\x03" + first + "\x01", "too many bins");
}

TEST_CASE("inconsistent contents with a right checksum are data loss or, at worst, other consistent statistics") {
  std::mt19937 random(5);
  for (unsigned seed = 0; seed < 6; ++seed) {
    const std::string good = sample(seed, seed % 2 == 0).serialize();
    int refused = 0;
    for (int round = 0; round < 3000; ++round) {
      std::string bad = good;
      for (std::size_t changes = 1 + random() % 3; changes > 0; --changes) {
        bad[5 + random() % (bad.size() - 13)] = static_cast<char>(random());
      }
      if (random() % 8 == 0) bad.erase(5 + random() % (bad.size() - 13), 1 + random() % 5);
      bad = sealed(bad);
      try {
        const Accumulator a = Accumulator::deserialize(bad);
        // Accepted: then it must be something that could have been collected.
        CHECK(a.serialize() == bad);
        std::uint64_t total = a.zeros();
        for (const std::uint64_t count : a.histogram().counts) total += count;
        if (a.request().histogram) CHECK(total == a.count());
        CHECK(a.minimum() <= a.maximum());
        for (std::size_t c = 0; c < a.channel_minimum().size(); ++c) {
          CHECK(a.channel_minimum()[c] <= a.channel_maximum()[c]);
        }
      } catch (const Error &error) {
        CHECK(error.status() == Status::kDataLoss);
        ++refused;
      }
    }
    CHECK(refused > 0);
  }
}

}  // namespace
}  // namespace halftone::calibration
