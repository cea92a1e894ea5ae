// Fake quantization of an activation.
#pragma once

#include "../program.h"

namespace halftone::trainer {

class QuantizeStep final : public Step {
 public:
  QuantizeStep(QuantUse use, const Program &program) : use_(std::move(use)), program_(program) {}

  void forward(ShardRun &run) const override;
  void backward(ShardRun &run) const override;
  bool learns_itself() const override { return use_.learned != 0; }
  std::uint64_t reads_inputs() const override { return use_.quantizer == nullptr ? 0 : 1; }
  std::uint64_t reads_outputs() const override { return 0; }

 private:
  // In the order that its scales can lie over.
  Tensor source(const ShardRun &run) const;
  Grouping grouping(const Tensor &tensor) const;
  Draw draw(const ShardRun &run, const Tensor &tensor) const;
  void forward_dynamic(ShardRun &run) const;

  QuantUse use_;
  const Program &program_;
};

}  // namespace halftone::trainer
