#include "session.h"

#include "halftone/op_kernel.hpp"

namespace halftone::reference {

namespace {

// One sample: values while they are needed.
class Sample {
 public:
  Sample(const sdk::Context &ctx, const Plan &plan, std::span<const ht_tensor_view> inputs, const sdk::Emit &emit)
      : ctx_(ctx), plan_(plan), emit_(emit), views_(plan.emitted.size()), owned_(plan.emitted.size()) {
    if (inputs.size() != plan.inputs.size()) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, std::to_string(inputs.size()) + " inputs given where " +
                                                  std::to_string(plan.inputs.size()) + " are needed");
    }
    for (const auto &[value, tensor] : plan.initializers) put(value, tensor.view());
    for (std::size_t i = 0; i < inputs.size(); ++i) put(plan.inputs[i], inputs[i]);
  }

  void compute(const Step &step) {
    std::vector<Tensor> copies(step.inputs.size());
    std::vector<ht_tensor_view> inputs;
    for (std::size_t i = 0; i < step.inputs.size(); ++i) inputs.push_back(input(step.inputs[i], copies[i]));
    std::vector<Tensor> results = step.flow ? flow(*step.flow, inputs) : kernel(step, inputs);
    for (std::size_t i = 0; i < step.outputs.size(); ++i) {
      const OutputSlot &slot = step.outputs[i];
      if (slot.value == kNoValue) continue;
      if (slot.quantizer) {
        ht_tensor_view view = results[i].view();
        slot.quantizer->apply(ctx_, view, view);
      }
      owned_[slot.value] = std::move(results[i]);
      put(slot.value, owned_[slot.value].view());
    }
    for (const std::size_t value : step.dead_after) owned_[value] = Tensor();
  }

  void compute_all() {
    for (const Step &step : plan_.steps) compute(step);
  }
  // What a body gives.
  sdk::OwnedTensors take_results() {
    sdk::OwnedTensors results;
    for (const std::size_t value : plan_.results) {
      Tensor &own = owned_[value];
      results.push_back(own.data() == nullptr ? Tensor(views_[value]) : std::move(own));
    }
    return results;
  }

 private:
  std::vector<Tensor> kernel(const Step &step, std::span<const ht_tensor_view> inputs) const {
    const auto types = step.kernel->infer(ctx_.raw, inputs, step.outputs.size());
    std::vector<Tensor> results;
    std::vector<ht_tensor_view> outputs;
    try {
      for (const ht_tensor_info &type : types) {
        results.emplace_back(type.dtype, ShapeSpan(type.shape, type.rank));
        outputs.push_back(results.back().view());
      }
    } catch (const std::bad_alloc &) {
      throw sdk::out_of_memory(step.kernel->label(), types);
    }
    // Moving a tensor may move its shape.
    for (std::size_t i = 0; i < results.size(); ++i) outputs[i] = results[i].view();
    step.kernel->run(ctx_.raw, inputs, outputs);
    return results;
  }
  // Each run of a body is a sample of its own.
  std::vector<Tensor> flow(const Flow &flow, std::span<const ht_tensor_view> inputs) const {
    return flow.control.run(inputs, [&](std::size_t body, std::span<const ht_tensor_view> fed) {
      std::vector<ht_tensor_view> all(fed.begin(), fed.end());
      for (const std::size_t value : flow.captured[body]) all.push_back(views_[value]);
      Sample sample(ctx_, flow.bodies[body], all, emit_);
      sample.compute_all();
      return sample.take_results();
    });
  }
  void put(std::size_t value, const ht_tensor_view &view) {
    views_[value] = view;
    if (plan_.emitted[value] != HT_NONE) emit_(plan_.emitted[value], view);
  }
  // What the kernel gets for a slot; `copy` holds it where the slot quantizes.
  ht_tensor_view input(const InputSlot &slot, Tensor &copy) const {
    if (slot.constant != nullptr) return slot.constant->view();
    if (slot.value == kNoValue) {
      ht_tensor_view none{};
      none.struct_size = sizeof(none);
      return none;
    }
    const ht_tensor_view &view = views_[slot.value];
    if (!slot.quantizer || view.dtype != HT_F32) return view;
    copy = Tensor(HT_F32, shape_of(view));
    ht_tensor_view own = copy.view();
    slot.quantizer->apply(ctx_, view, own);
    return own;
  }

  const sdk::Context &ctx_;
  const Plan &plan_;
  const sdk::Emit &emit_;
  std::vector<ht_tensor_view> views_;
  std::vector<Tensor> owned_;
};

}  // namespace

void ReferenceSession::run(const sdk::Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
                           const sdk::Emit &emit) {
  Sample sample(ctx, plan_, inputs, emit);
  times_.run(worker, plan_.steps.size(), [&](std::size_t i) { sample.compute(plan_.steps[i]); });
}

void ReferenceSession::profile(const sdk::Context &, const sdk::EachStep &each) {
  for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
    ht_step step{};
    step.struct_size = sizeof(step);
    step.kind = HT_STEP_NODE;
    step.node = plan_.steps[i].node;
    times_.add_to(step, i);
    each(step);
  }
}

}  // namespace halftone::reference
