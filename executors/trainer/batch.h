// One batch on its way through a program: cut into shards, computed on the threads of the run, put together again.
#pragma once

#include <vector>

#include "halftone/trainer.hpp"
#include "program.h"
#include "schedule.h"
#include "segments.h"

namespace halftone::trainer {

class Batch {
 public:
  Batch(const sdk::Context &ctx, const Program &program, const ht_train_batch &batch,
        std::span<const ht_train_loss> losses, std::uint32_t shards, std::uint64_t seed);

  // Forward, with losses where targets were given; backward as well where `backward` says so.
  void run(RunKind kind, bool backward, const Segments &segments);
  // Bytes that each value takes for the largest shard where all that the way back reads is kept.
  std::vector<std::size_t> measure();
  std::uint32_t workers() const;  // shards that are computed at the same time
  double loss() const;            // of all rows, weighted
  std::uint64_t rows() const { return rows_; }
  std::vector<ShardRun> &shards() { return runs_; }
  const std::vector<MeetingSums> &met() const { return met_; }  // by step
  void emit(const sdk::TrainEmit &emit) const;

 private:
  void feed(ShardRun &run) const;
  void perform(ShardRun &run, const Action &action, const Segments &segments, std::vector<double> &found,
               bool backward) const;
  void forward(ShardRun &run, const Segments &segments, const Action &action) const;
  bool arrived(const ShardRun &run, std::size_t at) const;  // a gradient, at a step of the way back
  void backward(ShardRun &run, std::size_t at) const;
  void sum(ShardRun &run, const Action &action) const;
  void meet(const Action &action, std::size_t shards);
  void check_count(const Action &action) const;
  void take_losses(ShardRun &run, std::vector<double> &found, bool backward) const;

  const sdk::Context &ctx_;
  const Program &program_;
  const ht_train_batch &batch_;
  std::span<const ht_train_loss> losses_;
  std::uint64_t rows_ = 0;
  std::vector<std::uint64_t> versions_;  // by value
  std::vector<ShardRun> runs_;
  std::vector<MeetingSums> met_;            // by step
  std::vector<std::vector<double>> found_;  // losses by shard
};

}  // namespace halftone::trainer
