// The most bytes that a sample holds at once: what a memory budget asks for.
#pragma once

#include <algorithm>
#include <cstdint>

namespace halftone::integer {

struct Meter {
  std::uint64_t around = 0;  // held by what runs a body, while the body runs
  std::uint64_t most = 0;
  void see(std::uint64_t bytes) { most = std::max(most, around + bytes); }
};

}  // namespace halftone::integer
