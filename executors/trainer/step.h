// A step of the program: one operator, or one fake quantizer, forward and backward for one shard.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shard_run.h"

namespace halftone::trainer {

class Meeting;

class Step {
 public:
  virtual ~Step() = default;
  // [worker] Makes the outputs' values.
  virtual void forward(ShardRun &run) const = 0;
  // [worker] Turns the gradients of the outputs into those of the inputs that want one. At least one has arrived.
  virtual void backward(ShardRun &run) const = 0;

  // Before differentiates() is asked, for a step one of whose inputs depends on what is learned.
  virtual void look_up_gradient(const sdk::Context &) {}
  // Input slots that gradients can flow through, bit n for slot n and bit 63 for all from 63 on.
  virtual std::uint64_t differentiates() const { return ~std::uint64_t{0}; }
  // The step itself holds something that is learned.
  virtual bool learns_itself() const { return false; }
  // Called while the session is opened, once, for a step that gradients will flow through; throws
  // sdk::Failure(HT_UNIMPLEMENTED) where they cannot.
  virtual void prepare_backward(const sdk::Context &) {}
  // Not null for a step at which shards meet while learning.
  virtual const Meeting *meeting() const { return nullptr; }
  // After all is known about the program, before the first run.
  virtual void seal() {}
  // Slots whose values backward() reads, in the same way; asked after prepare_backward().
  virtual std::uint64_t reads_inputs() const { return ~std::uint64_t{0}; }
  virtual std::uint64_t reads_outputs() const { return ~std::uint64_t{0}; }

  std::size_t number = 0;  // in the program
  ht_handle graph_node = HT_NONE;
  std::string label;                 // how errors name it
  std::vector<int> inputs, outputs;  // values; kNoValue for an empty slot
  std::vector<char> wants;           // by input: a gradient is wanted
  bool backward_runs = false;        // gradients flow through it
  std::vector<int> dead_after;       // values that nothing reads after it in a run that keeps nothing
  std::vector<int> dead_kept;        // the same in a run that keeps what the way back reads

 protected:
  static bool has_bit(std::uint64_t mask, std::size_t slot) { return mask >> (slot < 63 ? slot : 63) & 1U; }
  const Tensor &in(const ShardRun &run, std::size_t slot) const {
    return run.value[static_cast<std::size_t>(inputs[slot])];
  }
  Tensor &out(ShardRun &run, std::size_t slot) const { return run.value[static_cast<std::size_t>(outputs[slot])]; }
  bool has_in(std::size_t slot) const { return slot < inputs.size() && inputs[slot] != kNoValue; }
  bool wanted(std::size_t slot) const { return slot < wants.size() && wants[slot] != 0; }
  // The gradient that arrived at an output, empty where none did.
  const Tensor &arrived(const ShardRun &run, std::size_t slot) const {
    return run.gradient[static_cast<std::size_t>(outputs[slot])];
  }
  friend class Builder;
};

}  // namespace halftone::trainer
