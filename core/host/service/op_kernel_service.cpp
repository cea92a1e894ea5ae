#include <algorithm>
#include <limits>

#include "core/host/kernel_index.h"
#include "core/host/service/table.h"
#include "core/host/service/tables.h"
#include "core/model/onnx_io.h"

namespace halftone::host {

namespace {

// Without empty slots at the end, which say nothing.
std::size_t slots_in(const std::vector<model::Handle> &values) {
  const auto last = std::find_if(values.rbegin(), values.rend(), [](model::Handle h) { return h != HT_NONE; });
  return static_cast<std::size_t>(values.rend() - last);
}

std::string allowed(std::size_t least, std::size_t most) {
  if (least == most) return fmt::format("{}", most);
  if (most >= static_cast<std::size_t>(std::numeric_limits<int>::max())) return fmt::format("{} or more", least);
  return least == 0 ? fmt::format("{} at most", most) : fmt::format("{} to {}", least, most);
}

// What an operator does not read would be ignored silently.
void check_slots(const model::Node &node, std::int64_t opset) {
  const auto counts = model::slot_counts(node.domain, node.op_type, opset);
  if (!counts) return;
  const std::size_t inputs = slots_in(node.inputs), outputs = slots_in(node.outputs);
  if (node.inputs.size() < counts->least_inputs || inputs > counts->most_inputs) {
    fail(Status::kInvalidArgument, "node '{}' ({}) has {} input{}, where {} of opset {} takes {}; correct the model",
         node.name, node.op_type, inputs, inputs == 1 ? "" : "s", node.op_type, opset,
         allowed(counts->least_inputs, counts->most_inputs));
  }
  if (outputs > counts->most_outputs) {
    fail(Status::kInvalidArgument, "node '{}' ({}) has {} outputs, where {} of opset {} has {}; correct the model",
         node.name, node.op_type, outputs, node.op_type, opset, allowed(0, counts->most_outputs));
  }
}

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
    check_slots(node, m.opset(node.domain));
  });
}
}  // namespace

const ht_op_kernel_lookup *op_kernel_table() {
  static constexpr ht_op_kernel_lookup kTable = {sizeof(ht_op_kernel_lookup), 0, &find};
  return &kTable;
}

}  // namespace halftone::host
