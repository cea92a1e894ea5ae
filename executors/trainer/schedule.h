// The order of work on a batch: what a shard does alone, cut where shards have to meet.
#pragma once

#include <cstdint>
#include <vector>

#include "program.h"
#include "segments.h"

namespace halftone::trainer {

enum class Act : std::uint8_t { kForward, kForwardSums, kDrop, kLosses, kBackward, kBackwardSums };

struct Action {
  Act act;
  std::size_t at = 0;       // of a step; of a segment for kDrop
  std::size_t segment = 0;  // that the step lies in
};

// Every shard performs all actions of a phase before any begins with the next one. The last may leave sums.
struct Phase {
  std::vector<Action> actions;
  bool meets() const {
    return !actions.empty() && (actions.back().act == Act::kForwardSums || actions.back().act == Act::kBackwardSums);
  }
};

// Forward, losses, and the way back where it is asked for. What is computed again on the way back takes the sums that
// were found the first time.
std::vector<Phase> phases_of(const Program &program, const Segments &segments, RunKind kind, bool backward);

}  // namespace halftone::trainer
