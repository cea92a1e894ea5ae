// BatchNormalization that normalizes by the batch while learning, and by its running statistics else.
#pragma once

#include "../meeting.h"
#include "../program.h"
#include "channel_loops.h"
#include "kernel_step.h"

namespace halftone::trainer {

// Inputs: x, scale, bias, mean, variance.
class NormStep final : public StepWithPlainForm, public Meeting {
 public:
  NormStep(const sdk::Context &ctx, const sdk::Node &node, Program &program);
  // Weights of the program that hold the running statistics.
  void statistics(int mean, int variance) { mean_ = mean, variance_ = variance; }

  void forward(ShardRun &run) const override;
  void backward(ShardRun &run) const override;
  // Statistics get no gradient.
  std::uint64_t differentiates() const override { return 7; }
  std::uint64_t reads_inputs() const override { return 3; }
  std::uint64_t reads_outputs() const override { return 0; }
  void prepare_backward(const sdk::Context &) override {}
  const Meeting *meeting() const override { return this; }

  std::vector<double> forward_sums(const ShardRun &run) const override;
  std::vector<double> backward_sums(const ShardRun &run) const override;
  void collect(const MeetingSums &, Program &) const override {}
  void take_statistics(const MeetingSums &sums, std::uint32_t batches) const override;

 private:
  ChannelMoments moments(const std::vector<double> &sums) const {
    return ChannelMoments(sums[0], std::span(sums).subspan(1), (sums.size() - 1) / 2);
  }

  Program &program_;
  double epsilon_, momentum_;
  int mean_ = -1, variance_ = -1;
};

}  // namespace halftone::trainer
