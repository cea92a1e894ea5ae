#include "core/calibration/sample_ledger.h"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

namespace halftone::calibration {

TEST_CASE("a ledger knows what was screened and counts what is good") {
  SampleLedger ledger;
  CHECK_FALSE(ledger.screened({0, 1}));
  CHECK(ledger.screened({4, 4}));
  for (const SampleRange range : {SampleRange{10, 20}, {30, 40}, {5, 8}, {8, 10}}) ledger.set_screened(range);
  CHECK(ledger.screened({5, 20}));
  CHECK_FALSE(ledger.screened({5, 21}));
  ledger.set_screened({12, 33});
  CHECK(ledger.screened({5, 40}));
  const std::vector<SkippedSample> bad = {{7, "b"}, {2, "a"}, {7, "again"}, {3, "c"}};
  ledger.add(bad);
  REQUIRE(ledger.reason(7) != nullptr);
  CHECK(*ledger.reason(7) == "b");
  CHECK(ledger.reason(8) == nullptr);
  CHECK(ledger.skipped_before(7) == 2);
  CHECK(ledger.count({0, 8}) == 5);
  const auto part = [&](std::uint64_t first, std::uint64_t limit) {
    const SampleRange range = ledger.part({1, 10}, first, limit);
    return std::pair(range.first, range.end);
  };
  CHECK(part(0, 0) == std::pair<std::uint64_t, std::uint64_t>{1, 10});
  CHECK(part(0, 2) == std::pair<std::uint64_t, std::uint64_t>{1, 5});  // 1 and 4
  CHECK(part(2, 3) == std::pair<std::uint64_t, std::uint64_t>{5, 9});  // 5, 6 and 8
  CHECK(part(9, 1) == std::pair<std::uint64_t, std::uint64_t>{10, 10});
}

}  // namespace halftone::calibration
