// +1 or -1, each with probability 1/2 (Rademacher's distribution), by key and element.
#pragma once

#include <cstddef>
#include <cstdint>

#include "halftone/counter_random.hpp"

namespace halftone::passes {

class RandomSigns {
 public:
  explicit RandomSigns(std::uint64_t key) : key_(key) {}
  float operator()(std::size_t element) const {
    const std::uint64_t bits = sdk::mixed(key_, element / 64);
    return (bits >> (element % 64) & 1U) != 0 ? 1.0F : -1.0F;
  }

 private:
  std::uint64_t key_;
};

}  // namespace halftone::passes
