// Zero points that a session learned, as a config takes them.
#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "passes/training/learned_values.h"

namespace halftone::test {
namespace {

using Codes = std::vector<std::int32_t>;

Codes learned(const Codes &present, const std::vector<float> &offsets, std::uint32_t symmetry = HT_ASYMMETRIC,
              std::int32_t most = 255) {
  ht_config_info info{};
  info.spec.symmetry = symmetry;
  info.spec.quant_min = 0;
  info.spec.quant_max = most;
  info.scale_count = present.size();
  info.zero_points = present.data();
  return passes::learned_zero_points(info, offsets);
}

TEST_CASE("zero points are rounded to the nearest that the type has; symmetric ones stay") {
  CHECK(learned({3, 4, 5}, {2.6F, -7, 300}) == Codes{3, 0, 255});
  CHECK(learned({3, 4}, {}) == Codes{3, 4});
  CHECK(learned({3, 4}, {8, 9}, HT_SYMMETRIC) == Codes{3, 4});
}

TEST_CASE("a zero point that nothing moved stays, though float32 has no such number") {
  constexpr std::int32_t kBeyond = (1 << 24) + 1;
  CHECK(learned({kBeyond, kBeyond}, {static_cast<float>(kBeyond), 7}, HT_ASYMMETRIC, 1 << 30) == Codes{kBeyond, 7});
}

TEST_CASE("a zero point that is not finite is an error that says which") {
  using Limits = std::numeric_limits<float>;
  for (const float bad : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
    try {
      learned({3, 4}, {5, bad});
      FAIL("it was taken");
    } catch (const sdk::Failure &failure) {
      CHECK(failure.status() == HT_INVALID_ARGUMENT);
      CHECK(std::string(failure.what()).find("learned for entry 1 is not finite; a smaller") != std::string::npos);
    }
  }
  CHECK_THROWS_AS(learned({3, 4}, {5}), sdk::Failure);
}

}  // namespace
}  // namespace halftone::test
