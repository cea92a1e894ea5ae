// Steps at which the shards of a batch meet, because what they compute depends on sums over the whole batch.
#pragma once

#include <cstdint>
#include <vector>

#include "shard_run.h"

namespace halftone::trainer {

class Program;

class Meeting {
 public:
  virtual ~Meeting() = default;
  // [worker] What a shard adds to the sums, before forward() of the step is called, and before backward() where a
  // gradient has arrived. Sums of shards are added in their order; forward() and backward() read them in run.met.
  virtual std::vector<double> forward_sums(const ShardRun &run) const = 0;
  virtual std::vector<double> backward_sums(const ShardRun &run) const = 0;
  // Adds the gradients of what the step itself learns.
  virtual void collect(const MeetingSums &sums, Program &program) const = 0;
  // Brings the running statistics up to date. `batches`: ht_train_batch::statistics_batch.
  virtual void take_statistics(const MeetingSums &sums, std::uint32_t batches) const = 0;
};

// What the old statistics count for.
inline double weight_of_old(std::uint32_t batches, double momentum) {
  return batches == 0 ? momentum : 1.0 - 1.0 / static_cast<double>(batches);
}

}  // namespace halftone::trainer
