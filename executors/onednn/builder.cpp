#include "builder.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "flow.h"

namespace halftone::onednn {

Builder::Builder(const sdk::Context &ctx, const Program &program, WeightStore &weights)
    : ctx_(ctx),
      program_(program),
      weights_(weights),
      plan_(std::make_shared<Plan>()),
      states_(program.values.size()),
      done_(program.nodes.size(), false) {
  plan_->value_count = program.values.size();
}

std::shared_ptr<const Plan> Builder::build(std::span<const ht_tensor_view> inputs) {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const ValueRecord &value = program_.values[i];
    states_[i].pending = static_cast<int>(value.consumers.size());
    if (!value.constant) continue;
    define_constant(static_cast<int>(i), value.constant);
    emit(static_cast<int>(i));
  }
  fold_constants();
  take_inputs(inputs);
  for (std::size_t i = 0; i < program_.nodes.size(); ++i) {
    if (!done_[i]) add_node(program_.nodes[i]);
  }
  read_inputs_in_place();
  place_buffers(*plan_);
  return plan_;
}

// Where a single step reads an input, and only reads it, the copy goes: that step is a reorder in most models.
void Builder::read_inputs_in_place() {
  std::vector<std::unique_ptr<Step>> &steps = plan_->steps;
  for (const InputCopy &copy : input_copies_) {
    std::vector<Step *> readers;
    for (const auto &step : steps) {
      const auto &touched = step->buffers;
      const bool touches = std::find(touched.begin(), touched.end(), copy.buffer) != touched.end();
      if (touches && step.get() != copy.step) readers.push_back(step.get());
    }
    if (readers.size() != 1 || !readers[0]->read_input(copy.buffer, copy.input)) continue;
    steps.erase(std::find_if(steps.begin(), steps.end(), [&](const auto &s) { return s.get() == copy.step; }));
  }
}

// Inputs are copied into the workspace, so that every operand has one address for good; read_inputs_in_place() takes
// back what was not needed.
void Builder::take_inputs(std::span<const ht_tensor_view> inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const int value = program_.inputs[i];
    set_type(value, inputs[i].dtype, Shape(inputs[i].shape, inputs[i].shape + inputs[i].rank));
    const std::size_t bytes = bytes_of(dtype(value), count_of(shape(value)));
    const int buffer = allocate(bytes);
    if (record(value).consumers.empty() && !record(value).emit) continue;
    const LoopStep::Body copy = [i, buffer, bytes](Run &run) {
      if (bytes > 0) std::memcpy(run.workspace.at(buffer), run.inputs[i].data, bytes);
    };
    const Step &step = add_step(std::make_unique<LoopStep>(std::vector{buffer}, copy), HT_STEP_INPUT, "copy", value);
    input_copies_.push_back({&step, i, buffer});
    if (is_dense(value)) {
      define(value, {plain_desc(shape(value)), buffer});
    } else {
      at(value).plain_buffer = buffer;
      emit(value);
    }
  }
}

// First of all, so that parameters which are computed count as constants wherever their nodes stand.
void Builder::fold_constants() {
  for (std::size_t i = 0; i < program_.nodes.size(); ++i) {
    const NodeRecord &node = program_.nodes[i];
    const bool ready = std::all_of(node.inputs.begin(), node.inputs.end(), [&](int v) { return v < 0 || constant(v); });
    if (!ready || node.flow || !infer(node) || !fold(node)) continue;
    consumed(node);
    done_[i] = true;
  }
}

void Builder::add_node(const NodeRecord &node) {
  node_ = &node;
  const std::size_t first_step = plan_->steps.size();
  if (node.flow) {
    build_flow(node);
  } else if (any_dynamic(node) || !infer(node)) {
    build_dynamic(node);
  } else if (!fold(node) && !build_native(node)) {
    build_kernel(node);
  }
  consumed(node);
  label_fused(first_step);
  node_ = nullptr;
}

Step &Builder::add_step(std::unique_ptr<Step> step, std::uint32_t kind, std::string how, int value) {
  step->label.kind = kind;
  step->label.how = std::move(how);
  if (node_ != nullptr) step->label.node = node_->handle;
  if (value >= 0) step->label.value = record(value).handle;
  plan_->steps.push_back(std::move(step));
  return *plan_->steps.back();
}

// What runs inside a node's steps runs inside the last of them.
void Builder::label_fused(std::size_t first_step) {
  for (std::size_t i = plan_->steps.size(); i-- > first_step && !fused_.empty();) {
    StepLabel &label = plan_->steps[i]->label;
    if (label.kind != HT_STEP_NODE && label.kind != HT_STEP_QUANTIZE) continue;
    label.fused = std::exchange(fused_, {});
  }
  fused_.clear();
}

bool Builder::any_dynamic(const NodeRecord &node) const {
  return std::any_of(node.inputs.begin(), node.inputs.end(), [&](int v) { return v >= 0 && at(v).dynamic; });
}

std::vector<ht_tensor_view> Builder::type_views(const NodeRecord &node) const {
  std::vector<ht_tensor_view> views;
  for (const int value : node.inputs) {
    ht_tensor_view view{};
    view.struct_size = sizeof(view);
    if (value >= 0) {
      const State &s = at(value);
      view.dtype = s.dtype;
      view.rank = static_cast<std::uint32_t>(s.shape.size());
      view.shape = s.shape.data();
      view.data = s.constant ? s.constant->data.get() : nullptr;
    }
    views.push_back(view);
  }
  return views;
}

// False when the shapes depend on data.
bool Builder::infer(const NodeRecord &node) {
  if (node.quantizer) {
    set_type(node.outputs[0], dtype(node.inputs[0]), shape(node.inputs[0]));
    return true;
  }
  const std::vector<ht_tensor_view> views = type_views(node);
  std::vector<ht_tensor_info> infos(node.outputs.size());
  for (ht_tensor_info &info : infos) info.struct_size = sizeof(info);
  const ht_status status =
      node.kernel->infer(node.state.get(), ctx_.raw, views.data(), views.size(), infos.data(), infos.size());
  if (status == HT_FAILED_PRECONDITION) return false;
  sdk::check(status);
  for (std::size_t i = 0; i < infos.size(); ++i) {
    if (node.outputs[i] < 0) continue;
    set_type(node.outputs[i], infos[i].dtype, Shape(infos[i].shape, infos[i].shape + infos[i].rank));
  }
  return true;
}

ConstantPtr Builder::constant_for(const NodeRecord &node, int value) const {
  try {
    return make_constant(dtype(value), shape(value));
  } catch (const std::bad_alloc &) {
    const Layout layout = plain_layout(dtype(value), shape(value));
    const std::array<ht_tensor_view, 1> result = {layout.view(nullptr)};
    throw sdk::out_of_memory(node.label(), result);
  }
}

// Values that depend on nothing but constants and shapes become constants of the plan.
bool Builder::fold(const NodeRecord &node) {
  if (node.native && node.native->fold(*this, node)) return true;
  const bool ready = std::all_of(node.inputs.begin(), node.inputs.end(), [&](int v) { return v < 0 || constant(v); });
  if (!ready) return false;
  const std::vector<ht_tensor_view> inputs = type_views(node);
  std::vector<ConstantPtr> made;
  std::vector<ht_tensor_view> outputs;
  for (const int value : node.outputs) {
    // Types of results that nobody names are not kept, so a kernel with such results runs as a step.
    if (value < 0) return false;
    made.push_back(constant_for(node, value));
    outputs.push_back(made.back()->view());
  }
  sdk::check(
      node.quantizer
          ? ctx_.host.arithmetic->fake_quantize(ctx_.raw, &node.quantizer->table, inputs.data(), outputs.data())
          : node.kernel->run(node.state.get(), ctx_.raw, inputs.data(), inputs.size(), outputs.data(), outputs.size()));
  for (std::size_t i = 0; i < made.size(); ++i) {
    define_constant(node.outputs[i], made[i]);
    emit(node.outputs[i]);
  }
  return true;
}

bool Builder::build_native(const NodeRecord &node) {
  if (!node.native) return false;
  if (node.quantizer) return node.native->build(*this, node);
  for (const int value : node.outputs) {
    if (value >= 0 && count_of(shape(value)) == 0) return false;
  }
  for (const int value : node.inputs) {
    if (value >= 0 && count_of(shape(value)) == 0) return false;
  }
  return node.native->build(*this, node);
}

void Builder::build_kernel(const NodeRecord &node) {
  std::vector<KernelSlot> inputs, outputs;
  for (const int value : node.inputs)
    inputs.push_back(value < 0 ? KernelSlot{plain_layout(HT_DTYPE_NONE, {})} : plain_slot(value));
  const std::vector<ht_tensor_view> views = type_views(node);
  std::vector<ht_tensor_info> infos(node.outputs.size());
  for (ht_tensor_info &info : infos) info.struct_size = sizeof(info);
  sdk::check(node.kernel->infer(node.state.get(), ctx_.raw, views.data(), views.size(), infos.data(), infos.size()));
  for (const ht_tensor_info &info : infos) {
    KernelSlot slot{plain_layout(info.dtype, Shape(info.shape, info.shape + info.rank))};
    if (info.dtype != HT_DTYPE_NONE) {
      slot.buffer = allocate(bytes_of(info.dtype, count_of(slot.layout.shape)));
    }
    outputs.push_back(std::move(slot));
  }
  add_step(std::make_unique<KernelStep>(node, inputs, outputs), HT_STEP_NODE, "kernel");
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (node.outputs[i] >= 0) define_plain(node.outputs[i], outputs[i].buffer);
  }
}

// Slots as they are, with shapes of run time where they have no others.
std::vector<KernelSlot> Builder::run_time_slots(const NodeRecord &node) {
  std::vector<KernelSlot> inputs;
  for (const int value : node.inputs) {
    KernelSlot slot{plain_layout(HT_DTYPE_NONE, {})};
    if (value >= 0 && at(value).dynamic) {
      slot.dynamic = value;
    } else if (value >= 0) {
      slot = plain_slot(value);
    }
    inputs.push_back(std::move(slot));
  }
  return inputs;
}

void Builder::build_dynamic(const NodeRecord &node) {
  add_step(std::make_unique<DynamicStep>(node, run_time_slots(node)), node.quantizer ? HT_STEP_QUANTIZE : HT_STEP_NODE,
           "kernel, shapes from data");
  for (const int value : node.outputs) {
    if (value < 0) continue;
    at(value).dynamic = true;
    emit(value);
  }
}

void Builder::build_flow(const NodeRecord &node) {
  sdk::ControlFlow::Types types(node.outputs.size());
  if (!any_dynamic(node)) types = node.flow->infer(ctx_, type_views(node));
  std::vector<KernelSlot> inputs = run_time_slots(node), outputs;
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    const int value = node.outputs[i];
    KernelSlot slot{plain_layout(HT_DTYPE_NONE, {})};
    if (value >= 0 && types[i]) {
      set_type(value, types[i]->dtype, Shape(types[i]->shape, types[i]->shape + types[i]->rank));
      slot = {plain_layout(dtype(value), shape(value)), allocate(bytes_of(dtype(value), count_of(shape(value))))};
    } else if (value >= 0) {
      at(value).dynamic = true;
      slot.dynamic = value;
    }
    outputs.push_back(std::move(slot));
  }
  add_step(std::make_unique<FlowStep>(node, std::move(inputs), outputs), HT_STEP_NODE, "bodies");
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const int value = node.outputs[i];
    if (value < 0) continue;
    if (at(value).dynamic) {
      emit(value);
    } else {
      define_plain(value, outputs[i].buffer);
    }
  }
}

// A value that lies row-major in a buffer.
void Builder::define_plain(int value, int buffer) {
  if (is_dense(value)) {
    define(value, {plain_desc(shape(value)), buffer});
  } else {
    at(value).plain_buffer = buffer;
    emit(value);
  }
}

void Builder::consumed(const NodeRecord &node) {
  for (const int value : node.inputs) {
    if (value >= 0) --at(value).pending;
  }
}

void Builder::emit(int value) {
  const ValueRecord &v = record(value);
  if (!v.emit) return;
  if (!at(value).dynamic) plan_->emitted[v.handle] = plain_layout(dtype(value), shape(value));
  KernelSlot slot;
  if (at(value).dynamic) {
    slot.dynamic = value;
  } else if (v.graph_output || at(value).places.empty()) {
    slot = plain_slot(value);
  } else {
    const Placed placed = current(value);
    slot.buffer = placed.buffer;
    if (!layout_of(placed.desc, shape(value), slot.layout)) slot = plain_slot(value);
  }
  add_step(std::make_unique<EmitStep>(v.handle, std::move(slot)), HT_STEP_EMIT, "", value);
}

bool Builder::is_read(int value) const {
  return value >= 0 && (record(value).emit || !record(value).consumers.empty());
}

}  // namespace halftone::onednn
