#include "core/host/kernel_index.h"
#include "core/host/service/table.h"
#include "core/host/service/tables.h"

namespace halftone::host {

namespace {
ht_status HT_CALL find(ht_ctx *ctx, ht_handle handle, const ht_op_kernel **kernel) {
  return serve(ctx, [&] {
    const model::Model &m = working(ctx).model;
    const model::Node &node = m.node(handle);
    if (ctx->kernels == nullptr) fail(Status::kFailedPrecondition, "this call has no operator kernels");
    try {
      *kernel = &ctx->kernels->get(node.domain, node.op_type, m.opset(node.domain));
    } catch (Error &error) {
      error.note(fmt::format("in node '{}' ({})", node.name, node.op_type));
      throw;
    }
  });
}
}  // namespace

const ht_op_kernel_lookup *op_kernel_table() {
  static constexpr ht_op_kernel_lookup kTable = {sizeof(ht_op_kernel_lookup), 0, &find};
  return &kTable;
}

}  // namespace halftone::host
