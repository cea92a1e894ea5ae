#include "flow.h"

#include <algorithm>
#include <cstring>

namespace halftone::onednn {

namespace {

// Takes a body's results out of what its session emits, and hands on what is tapped.
struct Results {
  const std::vector<ht_handle> &outputs, &tapped;
  const sdk::Emit &outer;
  sdk::OwnedTensors tensors;

  static ht_status HT_CALL take(void *user, ht_handle value, const ht_tensor_view *tensor) noexcept {
    auto *self = static_cast<Results *>(user);
    const auto found = std::find(self->outputs.begin(), self->outputs.end(), value);
    if (found != self->outputs.end()) {
      try {
        self->tensors[static_cast<std::size_t>(found - self->outputs.begin())] = sdk::OwnedTensor(*tensor);
      } catch (const std::bad_alloc &) {
        return HT_RESOURCE_EXHAUSTED;
      }
    }
    const bool tapped = std::find(self->tapped.begin(), self->tapped.end(), value) != self->tapped.end();
    return tapped ? self->outer.send(value, *tensor) : HT_OK;
  }
};

}  // namespace

void Flow::add(std::shared_ptr<Session> session, const sdk::Body &body, std::size_t first) {
  bodies_.push_back({std::move(session), body.outputs, body.tapped, first, body.captured.size()});
}

std::vector<ht_tensor_view> Flow::fed(const BodySession &body, std::span<const ht_tensor_view> own,
                                      std::span<const ht_tensor_view> inputs) const {
  std::vector<ht_tensor_view> all(own.begin(), own.end());
  const auto captured = inputs.subspan(body.first, body.captured);
  all.insert(all.end(), captured.begin(), captured.end());
  return all;
}

sdk::ControlFlow::Types Flow::infer(const sdk::Context &ctx, std::span<const ht_tensor_view> inputs) const {
  return control_.infer(inputs.first(slots_), [&](std::size_t at, std::span<const ht_tensor_view> own) {
    const BodySession &body = bodies_[at];
    return body.session->types(ctx, fed(body, own, inputs), body.outputs);
  });
}

sdk::OwnedTensors Flow::run(Run &run, std::span<const ht_tensor_view> inputs) const {
  return control_.run(inputs.first(slots_), [&](std::size_t at, std::span<const ht_tensor_view> own) {
    return run_body(bodies_[at], run, fed(bodies_[at], own, inputs));
  });
}

sdk::OwnedTensors Flow::run_body(const BodySession &body, Run &run, std::span<const ht_tensor_view> inputs) const {
  Results results{body.outputs, body.tapped, run.emit, sdk::OwnedTensors(body.outputs.size())};
  body.session->run(run.ctx, run.worker, inputs, sdk::Emit(&Results::take, &results));
  return std::move(results.tensors);
}

void Flow::add_memory(ht_session_memory &memory) const {
  for (const BodySession &body : bodies_) body.session->add_memory(memory);
}

FlowStep::FlowStep(const NodeRecord &node, std::vector<KernelSlot> inputs, std::vector<KernelSlot> outputs)
    : Step(buffers_of(inputs, outputs)), node_(node), inputs_(std::move(inputs)), outputs_(std::move(outputs)) {}

void FlowStep::run(Run &run, StepState *) const {
  std::vector<ht_tensor_view> inputs;
  for (const KernelSlot &slot : inputs_) inputs.push_back(view_of(slot, run.workspace));
  const sdk::OwnedTensors results = node_.flow->run(run, inputs);
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const KernelSlot &slot = outputs_[i];
    const sdk::OwnedTensor &result = results[i];
    if (slot.buffer != kNoBuffer) {
      if (result.dtype() != slot.layout.dtype || result.shape() != slot.layout.shape) {
        throw sdk::Failure(HT_INTERNAL, "node '" + node_.name + "' gave another shape than was foreseen");
      }
      std::memcpy(run.workspace.at(slot.buffer), result.data(), result.bytes());
    } else if (slot.dynamic >= 0) {
      ht_tensor_view &view = run.workspace.dynamic[static_cast<std::size_t>(slot.dynamic)];
      auto *shape = run.ctx.allocate<std::int64_t>(HT_MAX_RANK);
      std::copy(result.shape().begin(), result.shape().end(), shape);
      view = result.view();
      view.shape = shape;
      view.data = run.ctx.allocate<std::byte>(result.bytes() + 1);
      if (result.bytes() > 0) std::memcpy(view.data, result.data(), result.bytes());
    }
  }
}

}  // namespace halftone::onednn
