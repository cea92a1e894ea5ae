// What a pass may take of the run's memory budget, over "ht.parallel/1". Failures throw.
#pragma once

#include <algorithm>
#include <cstdint>

#include "halftone/host.hpp"

namespace halftone::sdk {

// At most `wanted`, and at most half of what the run's memory budget leaves. Throws nothing where nothing is left: then
// it is 0, and what comes next says so. The budget itself is the host's; what it would grant a worker is what it has
// left.
inline std::uint64_t allowed_memory(const Context &ctx, std::uint64_t wanted) {
  constexpr std::uint64_t kLeast = std::uint64_t{1} << 20U;
  for (std::uint64_t bytes = wanted; bytes >= kLeast; bytes /= 2) {
    ht_parallel_options options{};
    options.struct_size = sizeof(options);
    options.worker_bytes = 2 * bytes;
    std::uint32_t workers = 0;
    const ht_status status = ctx.host.parallel->workers(ctx.raw, 1, &options, &workers);
    if (status == HT_OK) return bytes;
    if (status != HT_RESOURCE_EXHAUSTED) check(status);
  }
  return 0;
}

// For values that a training session keeps between forward and backward; 0: there is no budget.
inline std::uint64_t training_memory(const Context &ctx) {
  constexpr std::uint64_t kAny = std::uint64_t{1} << 40U;
  const std::uint64_t allowed = allowed_memory(ctx, kAny);
  return allowed == kAny ? 0 : std::max<std::uint64_t>(allowed, 1);
}

}  // namespace halftone::sdk
