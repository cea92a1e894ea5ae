// What of a model file is quantized, as its Q/DQ nodes and integer operators tell.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "core/model/model.h"

namespace halftone::pipeline {

struct QuantizedTensors {
  std::size_t activations = 0;  // a QuantizeLinear and the DequantizeLinear after it
  std::size_t weights = 0, biases = 0;
  std::size_t all() const { return activations + weights + biases; }
};

// How the nodes of one operator run.
struct OperatorState {
  std::size_t quantized = 0;  // data and weights come from DequantizeLinear: on integers where a runtime can
  std::size_t fused = 0;      // between such an operator and a QuantizeLinear: Conv, Relu, QuantizeLinear
  std::size_t in_float = 0;
};

struct QuantizationState {
  std::map<std::string, QuantizedTensors> tensors;   // by "int8 per channel"
  std::map<std::string, OperatorState> operators;    // those that handle floats
  std::map<std::string, std::size_t> integer_nodes;  // QLinearConv, MatMulInteger ... by operator
  std::vector<std::string> float_nodes;              // "name (Type)", in the order of execution
  std::size_t quantize_nodes = 0, dequantize_nodes = 0;

  bool quantized() const { return !tensors.empty() || !integer_nodes.empty(); }
};

QuantizationState quantization_state(const model::Model &model);

}  // namespace halftone::pipeline
