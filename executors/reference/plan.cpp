#include "plan.h"
#include "halftone/op_kernel.hpp"

namespace halftone::reference {

PreparedKernel::PreparedKernel(const sdk::Context &ctx, const sdk::Node &node) : label_(sdk::label_of(node)) {
  sdk::check(ctx.host.op_kernel->find(ctx.raw, node.handle, &kernel_));
  void *state = nullptr;
  sdk::check(kernel_->prepare(ctx.host.raw, ctx.raw, node.handle, &state));
  state_ = {state, Release{kernel_}};
}

std::vector<ht_tensor_info> PreparedKernel::infer(ht_ctx *ctx, std::span<const ht_tensor_view> inputs,
                                                  std::size_t outputs) const {
  std::vector<ht_tensor_info> infos(outputs);
  for (ht_tensor_info &info : infos) info.struct_size = sizeof(info);
  sdk::check(kernel_->infer(state_.get(), ctx, inputs.data(), inputs.size(), infos.data(), infos.size()));
  return infos;
}

void PreparedKernel::run(ht_ctx *ctx, std::span<const ht_tensor_view> inputs, std::span<ht_tensor_view> outputs) const {
  sdk::check(kernel_->run(state_.get(), ctx, inputs.data(), inputs.size(), outputs.data(), outputs.size()));
}

}  // namespace halftone::reference
