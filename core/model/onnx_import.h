// Builds the graphs of a Model from the sidecar's message, taking the weights out of it.
#pragma once

#include <string>
#include <vector>

#include "core/model/onnx_sidecar.h"
#include "core/model/onnx_tensor.h"

namespace halftone::model {

void import_graphs(Sidecar &sidecar, ExternalData &external, Model &model, std::vector<std::string> &warnings);

// Operators of known domains, versions newer than the linked libonnx.
void check_operators(const Model &model, const onnx::ModelProto &proto, std::vector<std::string> &warnings);

}  // namespace halftone::model
