// How values of a run reach a pass that looks at them: in the form that it asked for, with a context of its worker.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/calibration/sample_flow.h"
#include "core/host/service/execution_service.h"
#include "core/model/tensor.h"

namespace halftone::pipeline {

// One worker's.
class Forwarding {
 public:
  // All of them live as long as this object.
  Forwarding(const host::ExecutionReceiver &receiver, const host::ExecutionRequest &request, const host::Context &pass,
             std::uint32_t worker);
  // `reference`: the value is the float network's. What the pass throws is marked as no fault of the sample.
  void hand_over(bool reference, std::uint64_t sample, model::Handle value, const ht_tensor_view &tensor);

 private:
  const host::ExecutionReceiver &receiver_;
  const host::Context &pass_;
  host::Context ctx_;
  std::uint32_t worker_;
  bool plain_;
  std::vector<float> floats_;
};

// Opens a session for a pass, on a context of its own: it must not leave memory in the pass's arena. `request.emits`
// may name a value more than once.
std::unique_ptr<host::Session> open_for_pass(const host::Instance &executor, const host::Context &pass,
                                             host::WorkingModel &working, host::SessionRequest request);

// How a pass counts the samples: one that is known to be bad is as good as not there.
std::uint64_t number_of(const calibration::FlowOptions &flow, std::uint64_t index);
ht_tensor_view plain_view(ht_dtype dtype, const model::Shape &shape, const void *data);

// Refuses none at all, stored tensors and values of bodies, by their names.
void require_values(const model::Model &model, const std::vector<model::Handle> &values);

}  // namespace halftone::pipeline
