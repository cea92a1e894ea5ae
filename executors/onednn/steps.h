// The kinds of steps that a plan consists of.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "plan.h"

namespace halftone::onednn {

// One oneDNN primitive with its operands.
class PrimitiveStep final : public Step {
 public:
  struct Operand {
    int name;  // DNNL_ARG_*
    Desc desc;
    int buffer;
  };
  PrimitiveStep(dnnl::primitive primitive, std::vector<Operand> operands);
  bool read_input(int buffer, std::size_t input) override;
  std::unique_ptr<StepState> bind(const Workspace &workspace) const override;
  void run(Run &run, StepState *state) const override;

 private:
  dnnl::primitive primitive_;
  std::vector<Operand> operands_;
  std::optional<std::size_t> input_;  // that the source is
};

// A loop of our own.
class LoopStep final : public Step {
 public:
  using Body = std::function<void(Run &)>;
  LoopStep(std::vector<int> touched, Body body) : Step(std::move(touched)), body_(std::move(body)) {}
  void run(Run &run, StepState *) const override { body_(run); }

 private:
  Body body_;
};

// A plain operand or result of a kernel; a buffer of kNoBuffer is an empty slot or a dynamic value.
struct KernelSlot {
  Layout layout;
  int buffer = kNoBuffer;
  int dynamic = -1;  // index of the value whose shape is known only at run time
};

std::vector<int> buffers_of(const std::vector<KernelSlot> &a, const std::vector<KernelSlot> &b = {});
ht_tensor_view view_of(const KernelSlot &slot, const Workspace &workspace);

// A plain kernel on known shapes.
class KernelStep final : public Step {
 public:
  KernelStep(const NodeRecord &node, std::vector<KernelSlot> inputs, std::vector<KernelSlot> outputs);
  std::unique_ptr<StepState> bind(const Workspace &workspace) const override;
  void run(Run &run, StepState *state) const override;

 private:
  const NodeRecord &node_;
  std::vector<KernelSlot> inputs_, outputs_;
};

// A plain kernel, or a fake quantization, whose output shapes depend on data: inferred and allocated in each run.
class DynamicStep final : public Step {
 public:
  DynamicStep(const NodeRecord &node, std::vector<KernelSlot> inputs);
  void run(Run &run, StepState *state) const override;

 private:
  // Memory for the results; what readers find in the workspace.
  void allocate(Run &run, const std::vector<ht_tensor_info> &infos, std::vector<ht_tensor_view> &outputs) const;
  const NodeRecord &node_;
  std::vector<KernelSlot> inputs_;
};

class EmitStep final : public Step {
 public:
  EmitStep(ht_handle value, KernelSlot source);
  void run(Run &run, StepState *state) const override;

 private:
  ht_handle value_;
  KernelSlot source_;
};

}  // namespace halftone::onednn
