// How many nodes a graph has once the calls in it are expanded, known before any is.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "core/model/onnx_proto.h"

namespace halftone::model {

using FunctionKey = std::pair<std::string, std::string>;  // domain and name
using LocalFunctions = std::map<FunctionKey, const onnx::FunctionProto *>;

// "ai.onnx" is the other name of the domain "".
inline std::string domain_of(const std::string &domain) {
  return domain == "ai.onnx" ? std::string() : domain;
}

// Throws InvalidArgument where the calls expand to more than a million nodes, or are nested more than 500 deep. A
// function that calls itself counts as empty there: its expansion reports it.
void require_bounded(const onnx::GraphProto &graph, const LocalFunctions &local);

}  // namespace halftone::model
