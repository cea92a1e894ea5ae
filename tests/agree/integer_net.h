// Nets with configs for integer mode, run on both executors.
#pragma once

#include "tests/agree/net.h"

namespace halftone::test {

// What differs between the executors in integer mode, in any value and in the outputs with steps fused; nothing where
// all bits are the same.
std::string differing(Net &net, std::uint64_t sample);

struct Grid {
  std::uint32_t bits = 8;
  bool is_signed = false;
  float scale = 0.02F;
  std::int32_t zero = 0;
};

// A config with scales; of a channel, each a little wider than the one before.
void put(Net &net, model::Handle node, bool is_output, std::uint32_t slot, const Grid &grid, std::size_t channels = 0,
         std::int32_t axis = 0);

// How executor onednn computes each node in integer mode, by the type of the operator.
std::map<std::string, std::string> ways(Net &net, std::uint64_t sample);

}  // namespace halftone::test
