// Messages for tests: written as text, and brought to a form in which equal models are equal.
#pragma once

#include <string>
#include <string_view>

#include "core/model/onnx_proto.h"

namespace halftone::model::test {

onnx::ModelProto parse_text(const std::string &text);

// A message with one graph of the given body: "ir_version: 8 opset_import {...} graph { name: 'g' BODY }".
std::string model_bytes(const std::string &graph_body, int opset = 13, const std::string &rest = "");

// Constants moved to raw_data and sorted by name, value_info sorted by name, in all graphs. Written here on its own, so
// that the code under test is not its own judge.
void make_canonical(onnx::ModelProto &proto);

// Empty when both say the same, else what differs first.
std::string difference(onnx::ModelProto a, onnx::ModelProto b);

onnx::ModelProto parse_bytes(std::string_view bytes);

}  // namespace halftone::model::test
