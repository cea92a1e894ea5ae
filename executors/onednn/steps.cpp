#include "steps.h"

#include <algorithm>

#include "halftone/op_kernel.hpp"

namespace halftone::onednn {
namespace {

std::vector<int> buffers_of(const std::vector<PrimitiveStep::Operand> &operands) {
  std::vector<int> out;
  for (const auto &operand : operands) out.push_back(operand.buffer);
  return out;
}

struct Arguments final : StepState {
  std::unordered_map<int, dnnl::memory> map;
};

struct Views final : StepState {
  std::vector<ht_tensor_view> inputs, outputs;
};

}  // namespace

std::vector<int> buffers_of(const std::vector<KernelSlot> &a, const std::vector<KernelSlot> &b) {
  std::vector<int> out;
  for (const auto *slots : {&a, &b}) {
    for (const KernelSlot &slot : *slots) {
      if (slot.buffer != kNoBuffer) out.push_back(slot.buffer);
    }
  }
  return out;
}

ht_tensor_view view_of(const KernelSlot &slot, const Workspace &workspace) {
  if (slot.dynamic >= 0) return workspace.dynamic[static_cast<std::size_t>(slot.dynamic)];
  return slot.layout.view(slot.buffer == kNoBuffer ? nullptr : workspace.at(slot.buffer));
}

PrimitiveStep::PrimitiveStep(dnnl::primitive primitive, std::vector<Operand> operands)
    : Step(buffers_of(operands)), primitive_(std::move(primitive)), operands_(std::move(operands)) {}

std::unique_ptr<StepState> PrimitiveStep::bind(const Workspace &workspace) const {
  auto arguments = std::make_unique<Arguments>();
  for (const Operand &o : operands_) {
    arguments->map.emplace(o.name, dnnl::memory(o.desc, cpu_engine(), workspace.at(o.buffer)));
  }
  return arguments;
}

void PrimitiveStep::run(Run &run, StepState *state) const {
  auto &map = static_cast<Arguments *>(state)->map;
  if (input_)
    map.at(DNNL_ARG_SRC).set_data_handle(const_cast<void *>(static_cast<const void *>(run.inputs[*input_].data)));
  primitive_.execute(run.workspace.stream, map);
}

bool PrimitiveStep::read_input(int buffer, std::size_t input) {
  const auto lies_there = [buffer](const Operand &o) { return o.buffer == buffer; };
  const bool only_source = std::all_of(operands_.begin(), operands_.end(),
                                       [&](const Operand &o) { return !lies_there(o) || o.name == DNNL_ARG_SRC; });
  if (!only_source || input_) return false;
  input_ = input;
  buffers.erase(std::remove(buffers.begin(), buffers.end(), buffer), buffers.end());
  return true;
}

KernelStep::KernelStep(const NodeRecord &node, std::vector<KernelSlot> inputs, std::vector<KernelSlot> outputs)
    : Step(buffers_of(inputs, outputs)), node_(node), inputs_(std::move(inputs)), outputs_(std::move(outputs)) {}

std::unique_ptr<StepState> KernelStep::bind(const Workspace &workspace) const {
  auto views = std::make_unique<Views>();
  for (const KernelSlot &slot : inputs_) views->inputs.push_back(view_of(slot, workspace));
  for (const KernelSlot &slot : outputs_) views->outputs.push_back(view_of(slot, workspace));
  return views;
}

void KernelStep::run(Run &run, StepState *state) const {
  auto &views = *static_cast<Views *>(state);
  const ht_status status = node_.kernel->run(node_.state.get(), run.ctx.raw, views.inputs.data(), views.inputs.size(),
                                             views.outputs.data(), views.outputs.size());
  sdk::check(status);
}

DynamicStep::DynamicStep(const NodeRecord &node, std::vector<KernelSlot> inputs)
    : Step(buffers_of(inputs)), node_(node), inputs_(std::move(inputs)) {}

void DynamicStep::run(Run &run, StepState *) const {
  const std::size_t count = node_.outputs.size();
  std::vector<ht_tensor_view> inputs, outputs(count);
  for (const KernelSlot &slot : inputs_) inputs.push_back(view_of(slot, run.workspace));
  std::vector<ht_tensor_info> infos(count);
  for (ht_tensor_info &info : infos) info.struct_size = sizeof(info);
  if (node_.quantizer) {
    infos[0].dtype = inputs[0].dtype;
    infos[0].rank = inputs[0].rank;
    std::copy_n(inputs[0].shape, inputs[0].rank, infos[0].shape);
  } else {
    const ht_status status =
        node_.kernel->infer(node_.state.get(), run.ctx.raw, inputs.data(), inputs.size(), infos.data(), count);
    sdk::check(status);
  }
  try {
    allocate(run, infos, outputs);
  } catch (const sdk::Failure &failure) {  // which says why
    throw sdk::Failure(failure.status(), "for " + sdk::sizes_of(infos) + ", which " + node_.label() + " makes");
  }
  const ht_status status =
      node_.quantizer
          ? run.ctx.host.arithmetic->fake_quantize(run.ctx.raw, &node_.quantizer->table, inputs.data(), outputs.data())
          : node_.kernel->run(node_.state.get(), run.ctx.raw, inputs.data(), inputs.size(), outputs.data(), count);
  sdk::check(status);
}

void DynamicStep::allocate(Run &run, const std::vector<ht_tensor_info> &infos,
                           std::vector<ht_tensor_view> &outputs) const {
  for (std::size_t i = 0; i < infos.size(); ++i) {
    auto *shape = run.ctx.allocate<std::int64_t>(HT_MAX_RANK);
    std::copy_n(infos[i].shape, infos[i].rank, shape);
    ht_tensor_view &view = outputs[i];
    view.struct_size = sizeof(view);
    if (infos[i].dtype == HT_DTYPE_NONE) continue;  // an empty slot
    view.dtype = infos[i].dtype;
    view.rank = infos[i].rank;
    view.shape = shape;
    const std::int64_t elements = count_of({shape, view.rank});
    view.data = run.ctx.allocate<std::byte>(bytes_of(view.dtype, elements) + 1);
    if (node_.outputs[i] >= 0) run.workspace.dynamic[static_cast<std::size_t>(node_.outputs[i])] = view;
  }
}

EmitStep::EmitStep(ht_handle value, KernelSlot source)
    : Step(buffers_of({source})), value_(value), source_(std::move(source)) {}

void EmitStep::run(Run &run, StepState *) const {
  run.emit(value_, view_of(source_, run.workspace));
}

}  // namespace halftone::onednn
