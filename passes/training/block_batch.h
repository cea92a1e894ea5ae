// Batches of a block's data: rows of the chosen samples behind each other.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "block_data.h"
#include "halftone/training.hpp"
#include "joined_samples.h"

namespace halftone::passes {

class BlockBatch {
 public:
  // `mix`: the probability that an element of an input is the quantized network's; others are the float network's.
  BlockBatch(const BlockData &data, const Block &block, double mix, std::uint64_t seed)
      : data_(data), block_(block), mix_(mix), seed_(seed), inputs_(block.entries.size()) {}

  // Of each sample a number that samples of the same shapes share; empty when a sample's values differ in their first
  // axis, so that rows of a batch would not belong together.
  std::vector<std::size_t> classes() const;
  // Valid until the next call.
  void fill(std::span<const std::uint64_t> samples, std::uint64_t step, sdk::TrainingBatch &batch);

 private:
  void mix_in(const Column &reference, std::span<const std::uint64_t> samples, std::uint64_t key,
              JoinedSamples &joined);

  const BlockData &data_;
  const Block &block_;
  double mix_;
  std::uint64_t seed_;
  std::vector<JoinedSamples> inputs_;
  JoinedSamples target_, floats_;
};

}  // namespace halftone::passes
