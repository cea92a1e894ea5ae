#include "kernel.h"

namespace halftone::integer {

Kernel::Kernel(const sdk::Context &ctx, ht_handle node) {
  sdk::check(ctx.host.op_kernel->find(ctx.raw, node, &kernel_));
  void *state = nullptr;
  sdk::check(kernel_->prepare(ctx.host.raw, ctx.raw, node, &state));
  state_ = {state, Release{kernel_}};
}

std::vector<Tensor> Kernel::run(ht_ctx *ctx, std::span<const ht_tensor_view> inputs, std::size_t outputs) const {
  std::vector<ht_tensor_info> types(outputs);
  for (ht_tensor_info &type : types) type.struct_size = sizeof(type);
  sdk::check(kernel_->infer(state_.get(), ctx, inputs.data(), inputs.size(), types.data(), types.size()));
  std::vector<Tensor> results;
  std::vector<ht_tensor_view> views;
  for (const ht_tensor_info &type : types) {
    results.emplace_back(type.dtype, std::span(type.shape, type.rank));
    views.push_back(results.back().view());
  }
  sdk::check(kernel_->run(state_.get(), ctx, inputs.data(), inputs.size(), views.data(), views.size()));
  return results;
}

}  // namespace halftone::integer
