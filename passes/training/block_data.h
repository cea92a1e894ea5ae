// The data of blocks: for each value that a block or a later one needs, what the quantized network and what the float
// network has there, for all samples.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "data_plan.h"
#include "halftone/execution.hpp"
#include "value_store.h"

namespace halftone::passes {

// How far a block's outputs are from those of the float network: the mean over samples of the mean over elements of
// |difference|^exponent.
struct BlockError {
  double mean = 0;
};

class BlockData {
 public:
  struct Choices {
    std::uint64_t samples = 0;  // most of the run's that are used; 0: all
    std::uint64_t memory = 0;   // most bytes of the store
    double exponent = 2;        // of BlockError
    bool mixes = false;         // training reads what the float network has at the entries of a block
  };
  // Keeps the inputs of the graph that blocks need. `graph` and `blocks` outlive this.
  BlockData(const sdk::Context &ctx, const FlowGraph &graph, const std::vector<Block> &blocks, const Choices &choices);
  ~BlockData();

  // Runs both networks from what is kept up to the block's exit, and keeps the exit's float values. What only this run
  // reads goes sample by sample, so that the block's data takes its place. The error is that of the model as it stands.
  BlockError gather(const sdk::Context &ctx, std::size_t block);
  // Runs the block as it stands and keeps what it gives, for those that follow.
  BlockError measure(const sdk::Context &ctx, std::size_t block);
  // Forgets what nobody needs any more.
  void finish(std::size_t block);

  std::uint64_t samples() const { return samples_; }
  const Column &quantized(std::size_t value) const { return *columns_.at(value).quantized; }
  // Of entries of a block only where training mixes them in.
  const Column &reference(std::size_t value) const { return *columns_.at(value).reference; }
  const ValueStore &store() const { return store_; }

 private:
  struct Pair {
    std::shared_ptr<Column> quantized, reference;  // one and the same for inputs of the graph
  };
  class InputSink;
  class GatherSink;
  class MeasureSink;
  class KeptSource;

  void keep_inputs(const sdk::Context &ctx);
  void run(const sdk::Context &ctx, const std::vector<std::size_t> &values, const std::vector<std::size_t> &references,
           const std::vector<std::size_t> &feeds, sdk::SampleSink &sink);
  bool keeps_reference(const DataStep &step, std::size_t value) const;
  std::vector<Column *> passed(const DataStep &step, const Block &block);
  std::uint64_t expected_bytes(const sdk::Context &ctx, const std::vector<std::size_t> &values) const;
  Column &new_column(std::size_t value, bool reference);

  const FlowGraph &graph_;
  const std::vector<Block> &blocks_;
  DataPlan plan_;
  Choices choices_;
  ValueStore store_;
  std::map<std::size_t, Pair> columns_;  // by value
  std::uint64_t samples_ = 0;
};

}  // namespace halftone::passes
