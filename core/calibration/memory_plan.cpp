#include "core/calibration/memory_plan.h"

#include <algorithm>

#include <fmt/core.h>

#include "core/base/error.h"

namespace halftone::calibration {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
// A thread's stack, the allocator's arena for it, buffers of the statistics.
constexpr std::uint64_t kThread = kMiB;
// Rounding to pages and what the allocator cannot give back: part of what is allocated.
constexpr std::uint64_t kRoundingDivisor = 16;
constexpr std::uint64_t kRounding = 2 * kMiB;

std::uint64_t worker_bytes(const MemoryNeed &need) {
  return need.arena + need.in_flight + need.sets * need.statistics + need.waiting + kThread;
}

std::uint64_t total_bytes(const MemoryNeed &need, std::uint32_t workers) {
  const std::uint64_t kept = need.statistics + need.groups;
  const std::uint64_t during = kept + workers * worker_bytes(need);
  const std::uint64_t added = std::max(during, kept + need.afterwards + workers * need.afterwards_each);
  return need.process + added + added / kRoundingDivisor + kRounding;
}

std::string mib(std::uint64_t bytes) {
  return fmt::format("{:.1f}", static_cast<double>(bytes) / static_cast<double>(kMiB));
}

std::string parts(const MemoryNeed &need) {
  return fmt::format(
      "process and model {} MiB (of that weights of the executor {}), statistics {}, each worker {} (tensors {}, "
      "statistics {}, its sample {}), searches, export and evaluation {} and {} with each worker",
      mib(need.process), mib(need.shared), mib(need.statistics + need.groups), mib(worker_bytes(need)), mib(need.arena),
      mib(need.sets * need.statistics + need.waiting), mib(need.in_flight), mib(need.afterwards),
      mib(need.afterwards_each));
}

}  // namespace

std::string MemoryPlan::text() const {
  return fmt::format("memory: {} of {} MiB with {} worker{}: {}", mib(total), mib(budget), workers,
                     workers == 1 ? "" : "s", parts(need));
}

MemoryPlan plan_memory(const MemoryNeed &need, std::uint32_t wanted, std::uint64_t budget) {
  MemoryPlan plan;
  plan.need = need;
  plan.budget = budget;
  for (plan.workers = std::max(wanted, 1U); plan.workers > 1; --plan.workers) {
    if (total_bytes(need, plan.workers) <= budget) break;
  }
  plan.total = total_bytes(need, plan.workers);
  if (plan.total > budget) {
    fail(Status::kResourceExhausted,
         "the memory budget of {} MiB is too small: one worker needs {} MiB ({}); raise it to {}MiB", mib(budget),
         mib(plan.total), parts(need), plan.total / kMiB + 1);
  }
  plan.spare = (budget - plan.total) / (kRoundingDivisor + 1) * kRoundingDivisor;
  return plan;
}

}  // namespace halftone::calibration
