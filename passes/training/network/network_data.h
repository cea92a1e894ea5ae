// What a network is trained on: of each sample the inputs, what the float network gives for them, and the class.
//
// The float network runs once over the samples. What is kept lies in memory up to a limit and beyond it in a temporary
// file.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "../value_store.h"
#include "halftone/content_digest.hpp"
#include "halftone/execution.hpp"
#include "network_part.h"

namespace halftone::passes {

class NetworkData {
 public:
  struct Choices {
    std::uint64_t samples = 0;  // most of the run's that are used; 0: all
    std::uint64_t memory = 0;   // most bytes in memory
  };
  // Throws for sequences, for runs without samples, and where samples cannot make batches.
  NetworkData(const sdk::Context &ctx, const NetworkPart &part, const Choices &choices);
  ~NetworkData();

  std::uint64_t samples() const { return samples_; }
  // Of each sample a number that samples of the same shapes share.
  const std::vector<std::size_t> &classes() const { return classes_; }
  std::int64_t rows() const { return rows_; }  // of each sample; 0 where they differ
  const Column &input(std::size_t i) const { return *inputs_.at(i); }
  const Column &target(std::size_t i) const { return *targets_.at(i); }  // of the part's outputs
  double power(std::size_t i) const { return powers_.at(i); }            // mean square of a target's elements
  const std::vector<std::int64_t> &labels() const { return labels_; }    // empty where the user gave none
  void add_to(sdk::ContentDigest &digest) const;

 private:
  class Sink;
  void collect(const sdk::Context &ctx, const NetworkPart &part, bool floats, const Choices &choices);
  void classify(const sdk::Graph &graph, const NetworkPart &part);
  void find_powers();

  ValueStore store_;
  std::vector<std::unique_ptr<Column>> inputs_, targets_;
  std::vector<std::size_t> classes_;
  std::vector<std::int64_t> labels_;
  std::vector<double> powers_;
  std::uint64_t samples_ = 0;
  std::int64_t rows_ = 0;
};

// How samples are fed to sessions. Where the model says how many rows it takes, a shard has that many: one sample.
struct BatchForm {
  std::uint64_t samples = 1;  // of a batch
  std::uint32_t shards = 0;   // as in TrainingSetup; 0: the trainer's choice
};
BatchForm batch_form(const NetworkPart &part, const NetworkData &data, std::uint64_t asked);

}  // namespace halftone::passes
