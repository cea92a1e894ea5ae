// What the slots of each ONNX operator carry: data that quantization concerns, or shapes, indices and conditions that
// it never touches. Platform descriptors stay short because they need not say it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace halftone::model {
struct Node;
}

namespace halftone::pipeline {

struct Socket {
  std::vector<std::uint32_t> inputs, outputs;  // HT_SLOT_*
  std::uint32_t more_inputs, more_outputs;     // of slots beyond the lists, for variadic operators

  std::uint32_t input(std::size_t slot) const { return slot < inputs.size() ? inputs[slot] : more_inputs; }
  std::uint32_t output(std::size_t slot) const { return slot < outputs.size() ? outputs[slot] : more_outputs; }
};

// Of an operator of the ai.onnx domain; operators that are not in the table have activations only.
const Socket &socket_of(std::string_view op_type);
// Operators of other domains have activations only too.
const Socket &socket_of(const model::Node &node);

}  // namespace halftone::pipeline
