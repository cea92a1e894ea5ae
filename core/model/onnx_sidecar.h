// The original ModelProto without its weights, and which object of the model came from which part of it.
//
// Export starts from a copy of it and patches what was edited, so that everything that the model does not represent
// (documentation, newer fields, functions, foreign types) is written back as it was read.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/model/model.h"
#include "core/model/onnx_proto.h"

namespace halftone::model {

struct ValueOrigin {
  const onnx::ValueInfoProto *input = nullptr, *output = nullptr, *info = nullptr;
  const onnx::TensorProto *initializer = nullptr;   // its data is gone
  const onnx::SparseTensorProto *sparse = nullptr;  // kept whole
  Tensor sparse_stand_in;                           // tells whether the constant was replaced since
  std::int32_t position = 0;                        // among the initializers of its graph
};

struct Sidecar {
  onnx::ModelProto proto;
  std::vector<const onnx::NodeProto *> nodes;  // by Node::origin
  std::vector<std::string> node_names;         // what the import called them: may differ from the file
  std::unordered_map<Handle, const onnx::GraphProto *> graphs;
  std::unordered_map<Handle, ValueOrigin> values;
  std::unordered_map<Handle, std::vector<const onnx::ValueInfoProto *>> foreign_infos;  // of values that do not exist
  std::map<std::string, std::int64_t, std::less<>> opsets;
  std::map<std::string, std::string, std::less<>> metadata;

  const ValueOrigin *find(Handle value) const {
    const auto found = values.find(value);
    return found == values.end() ? nullptr : &found->second;
  }
};

}  // namespace halftone::model
