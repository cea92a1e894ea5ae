// A training session: a program, what it learned so far, and the batches that go through it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "halftone/trainer.hpp"
#include "parameters.h"
#include "program.h"
#include "segments.h"

namespace halftone::trainer {

class Batch;

class TrainingSession final : public sdk::TrainSession {
 public:
  TrainingSession(const sdk::Context &ctx, const ht_train_options &options);

  ht_train_result evaluate(const sdk::Context &ctx, const ht_train_batch &batch, const sdk::TrainEmit &emit) override;
  ht_train_result accumulate(const sdk::Context &ctx, const ht_train_batch &batch) override;
  void update(const sdk::Context &ctx, const ht_train_update &update) override;
  ht_tensor_view read(const sdk::Context &ctx, const ht_train_subject &subject) override;
  ht_tensor_view gradient(const sdk::Context &ctx, const ht_train_subject &subject) override;
  void write(const sdk::Context &ctx, const ht_train_subject &subject, const ht_tensor_view &view) override;
  std::span<const std::byte> save(const sdk::Context &ctx) override;
  void restore(const sdk::Context &ctx, std::span<const std::byte> bytes) override;

 private:
  const Segments &segments_for(Batch &batch);
  void refresh(const sdk::Context &ctx, bool soft, const ParameterTerms &terms);
  Learned &find(const ht_train_subject &subject);
  const Point *point_of(const ht_train_subject &subject) const;
  const std::vector<float> *part_of_fold(const ht_train_subject &subject) const;
  void take_statistics(const Batch &batch, std::uint32_t batches);
  ht_tensor_view show(std::vector<float> values, Shape shape);

  std::unique_ptr<Program> program_;
  std::vector<ht_train_loss> losses_;
  std::vector<Optimizer> optimizers_;  // by kind
  std::uint32_t shards_;
  std::uint64_t seed_;
  std::uint64_t memory_;
  Segments whole_;
  // By rows, threads and folds that keep an activation more because a channel is apart; where memory is limited.
  std::map<std::tuple<std::uint64_t, std::uint32_t, std::vector<bool>>, Segments> limited_;
  bool stale_ = true;         // parameters changed since they were made for the steps
  bool soft_ = false;         // the form that they were made in
  std::vector<float> shown_;  // what the last read() gave
  Shape shown_shape_;
  std::vector<std::byte> saved_;
};

}  // namespace halftone::trainer
