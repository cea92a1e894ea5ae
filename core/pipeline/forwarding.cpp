#include "core/pipeline/forwarding.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/calibration/not_the_sample.h"
#include "core/calibration/row_major.h"

namespace halftone::pipeline {

Forwarding::Forwarding(const host::ExecutionReceiver &receiver, const host::ExecutionRequest &request,
                       const host::Context &pass, std::uint32_t worker)
    : receiver_(receiver), pass_(pass), worker_(worker), plain_(request.plain) {
  ctx_.component = pass.component;
}

void Forwarding::hand_over(bool reference, std::uint64_t sample, model::Handle value, const ht_tensor_view &tensor) {
  const host::ExecutionReceiver::See &see = reference ? receiver_.see_reference : receiver_.see;
  ctx_.arena.reset();
  calibration::not_the_sample([&] {
    if (!plain_ || (tensor.dtype == HT_F32 && calibration::is_row_major(tensor))) {
      return see(ctx_, worker_, sample, value, tensor);
    }
    try {
      floats_ = calibration::row_major_floats(tensor);
    } catch (const Error &error) {
      const model::Model &model = (reference ? pass_.original : pass_.working)->model;
      fail(Status::kInvalidArgument, "value '{}' cannot be read as float32: {}", model.value(value).name,
           error.message());
    }
    const model::Shape shape(tensor.shape, tensor.shape + tensor.rank);
    see(ctx_, worker_, sample, value, plain_view(HT_F32, shape, floats_.data()));
  });
}

ht_tensor_view plain_view(ht_dtype dtype, const model::Shape &shape, const void *data) {
  ht_tensor_view view{};
  view.struct_size = sizeof(view);
  view.dtype = dtype;
  view.rank = static_cast<std::uint32_t>(shape.size());
  view.shape = shape.data();
  view.data = const_cast<void *>(data);
  return view;
}

// How a pass counts the samples: one that is known to be bad is as good as not there.
std::uint64_t number_of(const calibration::FlowOptions &flow, std::uint64_t index) {
  return flow.ledger == nullptr ? index : index - flow.ledger->skipped_before(index);
}

std::unique_ptr<host::Session> open_for_pass(const host::Instance &executor, const host::Context &pass,
                                             host::WorkingModel &working, host::SessionRequest request) {
  host::Context open_ctx;
  open_ctx.working = &working;
  open_ctx.kernels = pass.kernels;
  open_ctx.sinks = pass.sinks;
  std::ranges::sort(request.emits);
  const auto twice = std::ranges::unique(request.emits);
  request.emits.erase(twice.begin(), twice.end());
  return std::make_unique<host::Session>(executor, open_ctx, request);
}

void require_values(const model::Model &model, const std::vector<model::Handle> &values) {
  if (values.empty()) fail(Status::kInvalidArgument, "no value was asked for");
  for (const model::Handle handle : values) {
    const model::Value &value = model.value(handle);
    if (value.graph != model.main_graph()) {
      fail(Status::kInvalidArgument, "value '{}' belongs to a body, not to the main graph", value.name);
    }
    if (value.initializer && !value.is_input) {
      fail(Status::kInvalidArgument, "value '{}' is a stored tensor; read it from the graph", value.name);
    }
  }
}

}  // namespace halftone::pipeline
