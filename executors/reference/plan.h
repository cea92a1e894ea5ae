// The model as a session runs it: nodes in order, values by number, constants, and when each value is needed last.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "halftone/control_flow.hpp"
#include "halftone/executor.hpp"
#include "halftone/op_kernel.h"
#include "quantizer.h"
#include "tensor.h"

namespace halftone::reference {

inline constexpr std::size_t kNoValue = static_cast<std::size_t>(-1);

// A kernel prepared for one node.
class PreparedKernel {
 public:
  // Finds the kernel through "ht.op_kernel/1" and prepares it; throws naming node and operator.
  PreparedKernel(const sdk::Context &ctx, const sdk::Node &node);

  std::vector<ht_tensor_info> infer(ht_ctx *ctx, std::span<const ht_tensor_view> inputs, std::size_t outputs) const;
  void run(ht_ctx *ctx, std::span<const ht_tensor_view> inputs, std::span<ht_tensor_view> outputs) const;
  const std::string &label() const { return label_; }  // how errors name the node

 private:
  struct Release {
    const ht_op_kernel *kernel;
    void operator()(void *state) const { kernel->release(state); }
  };
  const ht_op_kernel *kernel_ = nullptr;
  std::string label_;
  std::unique_ptr<void, Release> state_{nullptr, Release{nullptr}};
};

struct InputSlot {
  std::size_t value = kNoValue;      // kNoValue: the slot is empty
  const Tensor *constant = nullptr;  // the slot's own quantized parameter; stands in for the value
  std::optional<Quantizer> quantizer;
};
struct OutputSlot {
  std::size_t value = kNoValue;
  std::optional<Quantizer> quantizer;
};
struct Flow;
struct Step {
  ht_handle node = HT_NONE;
  std::optional<PreparedKernel> kernel;
  std::shared_ptr<const Flow> flow;  // of If, Loop and Scan, instead of a kernel
  std::vector<InputSlot> inputs;
  std::vector<OutputSlot> outputs;
  std::vector<std::size_t> dead_after;  // values that no later step reads
};

struct Plan {
  std::vector<Step> steps;
  std::vector<std::size_t> inputs;   // values of the session's inputs, in their order
  std::vector<std::size_t> results;  // values that a body gives to the node around it
  std::vector<ht_handle> emitted;    // by value: its handle where it is to be handed over, HT_NONE otherwise
  std::map<std::size_t, Tensor> initializers;
  std::vector<std::unique_ptr<Tensor>> quantized;  // parameters as their slots see them
};

// An If, Loop or Scan: its bodies, each a plan of its own.
struct Flow {
  sdk::ControlFlow control;
  std::vector<Plan> bodies;
  std::vector<std::vector<std::size_t>> captured;  // by body: values around it, fed behind the body's own inputs
};

// Takes only the nodes that the emitted values depend on. `ctx` is used during the call only.
Plan build_plan(const sdk::Context &ctx, const ht_session_options &options);

}  // namespace halftone::reference
