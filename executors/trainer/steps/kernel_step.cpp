#include "kernel_step.h"

#include "halftone/op_gradient.h"

namespace halftone::trainer {
namespace {

const ht_op_gradient_lookup &lookup(const sdk::Context &ctx) {
  const auto *table = ctx.host.find<ht_op_gradient_lookup>(HT_OP_GRADIENT_1);
  if (table == nullptr) throw sdk::Failure(HT_FAILED_PRECONDITION, "the host offers no gradients of operators");
  return *table;
}

ht_tensor_view no_view() {
  ht_tensor_view none{};
  none.struct_size = sizeof(none);
  return none;
}

// Row-major forms, and views of them; an empty tensor gives a view without type.
struct Views {
  std::vector<Tensor> tensors;
  std::vector<ht_tensor_view> views;
  void add(Tensor tensor) { tensors.push_back(std::move(tensor)); }
  void finish() {
    for (const Tensor &tensor : tensors) views.push_back(tensor.empty() ? no_view() : tensor.view());
  }
};

}  // namespace

PreparedKernel::PreparedKernel(const sdk::Context &ctx, const sdk::Node &node) : label_(sdk::label_of(node)) {
  sdk::check(ctx.host.op_kernel->find(ctx.raw, node.handle, &kernel_));
  void *state = nullptr;
  sdk::check(kernel_->prepare(ctx.host.raw, ctx.raw, node.handle, &state));
  state_ = {state, Release{kernel_}};
}

std::vector<ht_tensor_info> PreparedKernel::infer(ht_ctx *ctx, const std::vector<Tensor> &inputs,
                                                  std::size_t outputs) const {
  std::vector<ht_tensor_view> in;
  for (const Tensor &input : inputs) in.push_back(input.empty() ? no_view() : input.view());
  std::vector<ht_tensor_info> types(outputs);
  for (ht_tensor_info &type : types) type.struct_size = sizeof(type);
  sdk::check(kernel_->infer(state_.get(), ctx, in.data(), in.size(), types.data(), types.size()));
  return types;
}

std::vector<Tensor> PreparedKernel::compute(ht_ctx *ctx, const Pool &pool, const std::vector<Tensor> &inputs,
                                            std::size_t outputs) const {
  std::vector<ht_tensor_view> in, out;
  for (const Tensor &input : inputs) in.push_back(input.empty() ? no_view() : input.view());
  const std::vector<ht_tensor_info> types = infer(ctx, inputs, outputs);
  std::vector<Tensor> made(outputs);
  try {
    for (std::size_t i = 0; i < outputs; ++i) {
      made[i] = make_tensor(pool, types[i].dtype, Shape(types[i].shape, types[i].shape + types[i].rank));
    }
  } catch (const std::bad_alloc &) {
    throw sdk::out_of_memory(label_, types);
  }
  for (const Tensor &tensor : made) out.push_back(tensor.view());
  sdk::check(kernel_->run(state_.get(), ctx, in.data(), in.size(), out.data(), out.size()));
  return made;
}

std::vector<Tensor> KernelStep::operands(const ShardRun &run) const {
  std::vector<Tensor> all;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    all.push_back(has_in(i) ? in_order(run.pool, in(run, i), Order::kPlain) : Tensor());
  }
  return all;
}

void KernelStep::adopt(const Step &other) {
  number = other.number;
  graph_node = other.graph_node;
  label = other.label;
  inputs = other.inputs;
  outputs = other.outputs;
  wants = other.wants;
  backward_runs = other.backward_runs;
}

Shape KernelStep::out_shape(const ShardRun &run) const {
  const std::vector<ht_tensor_info> types = kernel_.infer(run.ctx, operands(run), outputs.size());
  return Shape(types[0].shape, types[0].shape + types[0].rank);
}

void KernelStep::forward(ShardRun &run) const {
  std::vector<Tensor> made = kernel_.compute(run.ctx, run.pool, operands(run), outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) out(run, i) = std::move(made[i]);
}

void KernelStep::look_up_gradient(const sdk::Context &ctx) {
  if (lookup(ctx).find(ctx.raw, graph_node, &gradient_) != HT_OK) gradient_ = nullptr;  // it may not be needed
}

std::uint64_t KernelStep::differentiates() const {
  return gradient_ == nullptr ? ~std::uint64_t{0} : gradient_->differentiates;
}

void KernelStep::prepare_backward(const sdk::Context &ctx) {
  if (gradient_ == nullptr) sdk::check(lookup(ctx).find(ctx.raw, graph_node, &gradient_));
  void *state = nullptr;
  sdk::check(gradient_->prepare(ctx.host.raw, ctx.raw, graph_node, &state));
  state_ = {state, Release{gradient_}};
}

void KernelStep::backward(ShardRun &run) const {
  Views in_views, out_views, arrived_views, wanted_views;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!has_in(i)) {
      in_views.add({});
      wanted_views.add({});
      continue;
    }
    const Tensor &value = in(run, i);
    Tensor read = value;
    if (has_bit(gradient_->reads_inputs, i)) {
      read = in_order(run.pool, value, Order::kPlain);
    } else {
      read.data.reset();
    }
    in_views.add(std::move(read));
    wanted_views.add(wanted(i) && value.dtype == HT_F32 ? make_tensor(run.pool, HT_F32, value.shape) : Tensor());
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Tensor &value = out(run, i);
    const bool reads = has_bit(gradient_->reads_outputs, i);
    out_views.add(reads ? in_order(run.pool, value, Order::kPlain)
                        : Tensor{value.dtype, Order::kPlain, value.shape, {}});
    arrived_views.add(in_order(run.pool, arrived(run, i), Order::kPlain));
  }
  in_views.finish();
  out_views.finish();
  arrived_views.finish();
  wanted_views.finish();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    // Shapes are told of what is not read, too.
    if (in_views.views[i].dtype == HT_DTYPE_NONE && has_in(i)) in_views.views[i] = in_views.tensors[i].view();
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (out_views.views[i].dtype == HT_DTYPE_NONE) out_views.views[i] = out_views.tensors[i].view();
  }
  sdk::check(gradient_->backward(state_.get(), run.ctx, in_views.views.data(), in_views.views.size(),
                                 out_views.views.data(), out_views.views.size(), arrived_views.views.data(),
                                 wanted_views.views.data()));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!wanted_views.tensors[i].empty()) run.deliver(inputs[i], wanted_views.tensors[i]);
  }
}

void StepWithPlainForm::prepare_backward(const sdk::Context &ctx) {
  plain_.adopt(*this);
  plain_.look_up_gradient(ctx);
  if (plain_.has_gradient()) plain_.prepare_backward(ctx);
}

void StepWithPlainForm::plain_backward(ShardRun &run) const {
  if (!plain_.has_gradient()) {
    throw sdk::Failure(HT_UNIMPLEMENTED, label + ": no loaded plug-in has a gradient for this form of the operator",
                       graph_node);
  }
  plain_.backward(run);
}

}  // namespace halftone::trainer
