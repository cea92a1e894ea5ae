// Any operator: forward by its plain kernel, backward by its plain gradient, as plug-ins offer them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../step.h"
#include "halftone/op_kernel.hpp"

namespace halftone::trainer {

// A kernel prepared for one node.
class PreparedKernel {
 public:
  PreparedKernel(const sdk::Context &ctx, const sdk::Node &node);
  // Tensors are row-major.
  std::vector<Tensor> compute(ht_ctx *ctx, const Pool &pool, const std::vector<Tensor> &inputs,
                              std::size_t outputs) const;
  std::vector<ht_tensor_info> infer(ht_ctx *ctx, const std::vector<Tensor> &inputs, std::size_t outputs) const;

 private:
  struct Release {
    const ht_op_kernel *kernel;
    void operator()(void *state) const { kernel->release(state); }
  };
  const ht_op_kernel *kernel_ = nullptr;
  std::string label_;
  std::unique_ptr<void, Release> state_{nullptr, Release{nullptr}};
};

class KernelStep final : public Step {
 public:
  KernelStep(const sdk::Context &ctx, const sdk::Node &node) : kernel_(ctx, node) {}

  void forward(ShardRun &run) const override;
  void backward(ShardRun &run) const override;
  void look_up_gradient(const sdk::Context &ctx) override;
  void prepare_backward(const sdk::Context &ctx) override;
  std::uint64_t differentiates() const override;
  std::uint64_t reads_inputs() const override { return gradient_ == nullptr ? 0 : gradient_->reads_inputs; }
  std::uint64_t reads_outputs() const override { return gradient_ == nullptr ? 0 : gradient_->reads_outputs; }
  // Takes over the inputs and outputs of the step that it serves.
  void adopt(const Step &other);
  bool has_gradient() const { return gradient_ != nullptr; }
  Shape out_shape(const ShardRun &run) const;  // of the first output

 private:
  std::vector<Tensor> operands(const ShardRun &run) const;
  struct Release {
    const ht_op_gradient *gradient;
    void operator()(void *state) const { gradient->release(state); }
  };
  PreparedKernel kernel_;
  const ht_op_gradient *gradient_ = nullptr;
  std::unique_ptr<void, Release> state_{nullptr, Release{nullptr}};
};

// A step of the trainer's own that leaves some forms of its operator, known only when shapes are, to the plain kernel.
class StepWithPlainForm : public Step {
 public:
  StepWithPlainForm(const sdk::Context &ctx, const sdk::Node &node) : plain_(ctx, node) {}
  void prepare_backward(const sdk::Context &ctx) override;
  void seal() override { plain_.adopt(*this); }

 protected:
  // Throws where there is no plain gradient.
  void plain_backward(ShardRun &run) const;
  std::uint64_t plain_reads_inputs() const { return plain_.reads_inputs(); }
  std::uint64_t plain_reads_outputs() const { return plain_.reads_outputs(); }
  KernelStep plain_;
};

}  // namespace halftone::trainer
