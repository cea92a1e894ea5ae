#include "core/host/service/training_table.h"

#include "core/host/service/table.h"
#include "core/host/service/training_service.h"

namespace halftone::host {

namespace {

TrainingService &training_of(ht_ctx *ctx) {
  if (ctx->training == nullptr) fail(Status::kFailedPrecondition, "this call cannot train");
  return *ctx->training;
}

ht_status HT_CALL find_gradient(ht_ctx *ctx, ht_handle handle, const ht_op_gradient **gradient) {
  return serve_run(ctx, [&] {
    const model::Model &m = working(ctx).model;
    const model::Node &node = m.node(handle);
    try {
      *gradient = &training_of(ctx).gradient(node.domain, node.op_type, m.opset(node.domain));
    } catch (Error &error) {
      error.note(fmt::format("in node '{}' ({})", node.name, node.op_type));
      throw;
    }
  });
}

ht_status HT_CALL find_trainer(ht_ctx *ctx, const ht_trainer **trainer, void **instance) {
  return serve_run(ctx, [&] {
    const Instance &found = training_of(ctx).trainer(*ctx);
    *trainer = &found.role<ht_trainer>(HT_TRAINER_1);
    *instance = found.raw();
  });
}

}  // namespace

const ht_training *training_table() {
  static constexpr ht_training kTable = {sizeof(ht_training), 0, &find_trainer};
  return &kTable;
}

const ht_op_gradient_lookup *op_gradient_table() {
  static constexpr ht_op_gradient_lookup kTable = {sizeof(ht_op_gradient_lookup), 0, &find_gradient};
  return &kTable;
}

}  // namespace halftone::host
