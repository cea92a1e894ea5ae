// If, Loop and Scan: each body is a session of its own, compiled for the shapes that it meets.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "halftone/control_flow.hpp"
#include "session.h"
#include "steps.h"

namespace halftone::onednn {

class Flow {
 public:
  // `slots`: of the node; what bodies capture follows them in its record.
  Flow(sdk::ControlFlow control, std::size_t slots) : control_(std::move(control)), slots_(slots) {}
  // `first`: where in the record's inputs the body's captured values begin.
  void add(std::shared_ptr<Session> session, const sdk::Body &body, std::size_t first);

  // `inputs`: one view for each of the record's inputs, without data where they are not known.
  sdk::ControlFlow::Types infer(const sdk::Context &ctx, std::span<const ht_tensor_view> inputs) const;
  sdk::OwnedTensors run(Run &run, std::span<const ht_tensor_view> inputs) const;
  // What the bodies hold, as far as they are compiled.
  void add_memory(ht_session_memory &memory) const;

 private:
  struct BodySession {
    std::shared_ptr<Session> session;
    std::vector<ht_handle> outputs, tapped;
    std::size_t first = 0, captured = 0;
  };
  std::vector<ht_tensor_view> fed(const BodySession &body, std::span<const ht_tensor_view> own,
                                  std::span<const ht_tensor_view> inputs) const;
  sdk::OwnedTensors run_body(const BodySession &body, Run &run, std::span<const ht_tensor_view> inputs) const;

  sdk::ControlFlow control_;
  std::size_t slots_;
  std::vector<BodySession> bodies_;
};

// Outputs whose shapes were known before have buffers; the others are found with each run.
class FlowStep final : public Step {
 public:
  FlowStep(const NodeRecord &node, std::vector<KernelSlot> inputs, std::vector<KernelSlot> outputs);
  void run(Run &run, StepState *state) const override;

 private:
  const NodeRecord &node_;
  std::vector<KernelSlot> inputs_, outputs_;
};

}  // namespace halftone::onednn
