// A folded normalization behind its layer. While learning by the batch: with c, what the layer gives for the quantized
// W * s (and a bias of what quantization adds to its own),
//   u = c / s + b,  y = gamma * (u - mean(u)) / sqrt(var(u) + epsilon) + beta,
// so that b cancels, and y = (c - mean(c)) * sqrt(variance + epsilon) / sqrt(var(c) / s^2 + epsilon) + beta. In
// channels apart, with t, what the layer gives for W as it is and no bias:
//   y = (c * sqrt(variance + epsilon) - gamma * mean(t)) / sqrt(var(t) + epsilon) + beta.
// Else the layer's outcome is that of the deployed form, and passes.
#pragma once

#include "../fold.h"
#include "../meeting.h"
#include "../program.h"
#include "channel_loops.h"

namespace halftone::trainer {

// Inputs: c, t.
class FoldStep final : public Step, public Meeting {
 public:
  FoldStep(const Program &program, int fold) : program_(program), number_(fold) {}

  void forward(ShardRun &run) const override;
  void backward(ShardRun &run) const override;
  bool learns_itself() const override { return fold().gamma_learned >= 0; }
  std::uint64_t reads_outputs() const override { return 0; }
  const Meeting *meeting() const override { return this; }

  std::vector<double> forward_sums(const ShardRun &run) const override;
  std::vector<double> backward_sums(const ShardRun &run) const override;
  void collect(const MeetingSums &sums, Program &program) const override;
  void take_statistics(const MeetingSums &sums, std::uint32_t batches) const override;

 private:
  // Of the whole batch, per channel.
  struct Batch {
    ChannelMoments moments;         // of c, in channels apart of t
    std::vector<double> deviation;  // sqrt(var(u) + epsilon)
    std::vector<double> shift;      // mean(c), 0 in channels apart
  };
  Batch batch(const std::vector<double> &sums) const;
  Fold &fold() const { return *program_.folds[static_cast<std::size_t>(number_)]; }
  void backward_apart(ShardRun &run, const Batch &b, const std::vector<double> &sums) const;

  const Program &program_;
  int number_;
};

// A layer that is computed only where its fold has channels apart; else its output stays empty.
class ApartStep final : public Step {
 public:
  ApartStep(const Program &program, int fold, std::unique_ptr<Step> layer)
      : program_(program), number_(fold), layer_(std::move(layer)) {}

  void forward(ShardRun &run) const override;
  void backward(ShardRun &run) const override { layer_->backward(run); }
  void look_up_gradient(const sdk::Context &ctx) override;
  std::uint64_t differentiates() const override { return layer_->differentiates(); }
  void prepare_backward(const sdk::Context &ctx) override;
  void seal() override;
  std::uint64_t reads_inputs() const override { return layer_->reads_inputs(); }
  std::uint64_t reads_outputs() const override { return layer_->reads_outputs(); }

 private:
  void tell_layer();

  const Program &program_;
  int number_;
  std::unique_ptr<Step> layer_;
};

}  // namespace halftone::trainer
