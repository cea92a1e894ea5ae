// What is kept between forward and backward where memory is limited: the program is cut into segments, values that only
// their own segment reads are dropped, and computed again when the way back reaches the segment (Chen et al. 2016,
// "Training Deep Nets with Sublinear Memory Cost").
#pragma once

#include <cstdint>
#include <vector>

#include "program.h"

namespace halftone::trainer {

struct Segments {
  std::vector<std::size_t> ends;      // one past the last step of each; the last is the number of steps
  std::vector<std::size_t> of_value;  // the segment that makes a value; that of fed values and parameters: none of them
  std::vector<std::vector<int>> drop;  // by segment: values that no later one reads

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
};

// One segment, which keeps all.
Segments whole(const Program &program);

// The fewest segments of about the same size with which one shard keeps at most `most` bytes at a time; `bytes` is what
// each value takes where it is kept. Throws sdk::Failure (HT_RESOURCE_EXHAUSTED) where none does; `shards` are computed
// at the same time.
Segments segments_within(const Program &program, const std::vector<std::size_t> &bytes, std::uint64_t most,
                         std::uint64_t shards);

}  // namespace halftone::trainer
