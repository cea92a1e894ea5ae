// One shard on its way through the program: its values, and the gradients that flow back.
#pragma once

#include <cstdint>
#include <vector>

#include "halftone/host.hpp"
#include "tensor.h"

namespace halftone::trainer {

inline constexpr int kNoValue = -1;

// Sums over a shard for one quantization point, in double; added in the order of the shards.
struct PointSums {
  std::vector<double> scales, offsets;
};

// Sums over a batch for a step at which shards meet, or what one shard adds to them.
struct MeetingSums {
  std::vector<double> forward, backward;
};

// What a forward run is for.
struct RunKind {
  bool keep = false;  // values stay for the way back
  bool soft = false;  // computes as while learning
};

struct ShardRun {
  ShardRun(const Pool &pool_, std::size_t values, std::size_t points)
      : pool(pool_), value(values), gradient(values), sums(points) {}

  const Pool &pool;
  ht_ctx *ctx = nullptr;  // of the worker that computes now
  const sdk::Host *host = nullptr;
  RunKind kind;
  const std::vector<std::uint64_t> *versions = nullptr;  // by value: of what all shards share, 0 for others
  std::size_t rows = 0, first_row = 0, batch_rows = 0;
  std::uint64_t seed = 0, number = 0;  // what random numbers depend on

  std::vector<Tensor> value;     // by value
  std::vector<Tensor> gradient;  // by value; empty: none has arrived
  std::vector<PointSums> sums;   // by point

  std::vector<MeetingSums> parts;                 // by step: what this shard adds
  const std::vector<MeetingSums> *met = nullptr;  // by step: of the whole batch, as far as shards have met

  // Adds to the gradient of a value. The memory of `tensor` may be taken over.
  void deliver(int to, Tensor tensor);
};

}  // namespace halftone::trainer
