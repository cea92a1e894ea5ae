#include "core/calibration/memory_plan.h"

#include <doctest/doctest.h>

#include <string>

#include "core/base/error.h"
#include "core/host/context.h"

using namespace halftone;
using namespace halftone::calibration;

namespace {

constexpr std::uint64_t kMiB = 1U << 20;

MemoryNeed some_need() {
  MemoryNeed need;
  need.process = 100 * kMiB;
  need.shared = 40 * kMiB;
  need.statistics = 8 * kMiB;
  need.arena = 20 * kMiB;
  need.in_flight = 2 * kMiB;
  need.afterwards = 10 * kMiB;
  return need;
}

}  // namespace

TEST_CASE("as many workers as the budget allows") {
  const MemoryNeed need = some_need();
  CHECK(plan_memory(need, 4, 1024 * kMiB).workers == 4);
  std::uint32_t before = 4;
  for (std::uint64_t budget = 280 * kMiB; budget > 150 * kMiB; budget -= 10 * kMiB) {
    const MemoryPlan plan = plan_memory(need, 4, budget);
    CHECK(plan.total <= budget);
    CHECK(plan.total + plan.spare <= budget);
    CHECK(plan.workers <= before);
    CHECK(plan.workers >= 1);
    before = plan.workers;
  }
  CHECK(before < 4);
}

TEST_CASE("a budget too small for one worker is refused with what would do") {
  try {
    plan_memory(some_need(), 4, 120 * kMiB);
    FAIL("120 MiB were accepted");
  } catch (const Error &error) {
    CHECK(error.status() == Status::kResourceExhausted);
    const std::string text = error.what();
    CHECK(text.find("one worker needs 143.") != std::string::npos);
    CHECK(text.find("raise it to 144MiB") != std::string::npos);
    CHECK(plan_memory(some_need(), 4, 144 * kMiB).workers == 1);
  }
}

TEST_CASE("what comes after the pass counts too") {
  MemoryNeed need = some_need();
  need.afterwards = 500 * kMiB;
  CHECK_THROWS_AS(plan_memory(need, 1, 500 * kMiB), Error);
  CHECK(plan_memory(need, 4, 700 * kMiB).workers == 4);
}

TEST_CASE("an arena needs no more than twice its largest use, and keeps to its limit") {
  host::Arena arena;
  std::size_t largest = 0;
  for (std::size_t size = 1000; size < 4000000; size += size / 50) {
    arena.reset();
    for (int i = 0; i < 3; ++i) arena.allocate(size, 64);
    largest = 3 * size;
    REQUIRE(arena.held() <= 2 * largest + (256U << 10));
  }
  arena.reset();
  arena.limit(arena.held() + 1000);
  for (int i = 0; i < 3; ++i) arena.allocate(largest / 3, 64);
  arena.charge(500);
  CHECK_THROWS_AS(arena.charge(501), Error);
  CHECK_THROWS_AS(arena.allocate(largest, 64), Error);
  arena.reset();
  arena.charge(900);
}
