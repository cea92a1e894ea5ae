// Models of older operator sets, rewritten in place to opset 13 without changing what they compute.
//
// onnx's own converter goes through a copy of all weights; these adapters edit the Model.
#pragma once

#include "core/model/model.h"

namespace halftone::model {

constexpr std::int64_t kLiftedOpset = 13;

// Does nothing at opset 13 and above, or for a model that does not import ai.onnx. Throws Unimplemented for the few
// forms that have no equal at 13.
void lift_opset(Model &model);

}  // namespace halftone::model
