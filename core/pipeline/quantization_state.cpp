#include "core/pipeline/quantization_state.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_set>

#include <fmt/core.h>

#include "core/model/dtype.h"
#include "core/model/every_node.h"
#include "core/pipeline/data_flow.h"
#include "core/pipeline/sockets.h"
#include "halftone/target.h"

namespace halftone::pipeline {
namespace {

using model::Handle;
using model::Model;
using model::Node;

constexpr std::array kIntegerOperators = {"QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger",
                                          "DynamicQuantizeLinear"};

bool is_a(const Node &node, std::string_view type) {
  return node.domain.empty() && node.op_type == type;
}

class Inspection {
 public:
  Inspection(const Model &model, QuantizationState &out)
      : model_(model), flow_(model), order_(model::every_node(model)), out_(out) {}

  void run() {
    for (const Handle h : order_) {
      const Node &node = model_.node(h);
      if (is_a(node, "QuantizeLinear")) {
        ++out_.quantize_nodes;
      } else if (is_a(node, "DequantizeLinear")) {
        ++out_.dequantize_nodes;
        count_tensor(node);
      } else if (node.domain.empty() && std::ranges::count(kIntegerOperators, node.op_type) != 0) {
        ++out_.integer_nodes[node.op_type];
      }
    }
    for (const Handle h : order_) count_operator(h);
  }

 private:
  const Node *producer(Handle value) const {
    if (value == HT_NONE || model_.value(value).producer == HT_NONE) return nullptr;
    return &model_.node(model_.value(value).producer);
  }
  bool constant(Handle value) const { return value != HT_NONE && model_.value(value).initializer.has_value(); }
  static Handle input(const Node &node, std::size_t slot) {
    return slot < node.inputs.size() ? node.inputs[slot] : HT_NONE;
  }

  // A constant that is stored, or a float one with a QuantizeLinear after it, is a parameter.
  void count_tensor(const Node &dequantize) {
    const Handle codes = input(dequantize, 0);
    const Node *quantize = producer(codes);
    const bool pair = quantize != nullptr && is_a(*quantize, "QuantizeLinear");
    QuantizedTensors &tensors = out_.tensors[fmt::format("{} {}", type_name(dequantize), granularity(dequantize))];
    if (!constant(codes) && !(pair && constant(input(*quantize, 0)))) {
      ++tensors.activations;
    } else {
      ++(is_bias(dequantize) ? tensors.biases : tensors.weights);
    }
  }

  std::string_view type_name(const Node &dequantize) const {
    for (const std::size_t slot : {0U, 2U}) {
      const Handle value = input(dequantize, slot);
      if (value == HT_NONE) continue;
      const ht_dtype dtype = constant(value) ? model_.value(value).initializer->dtype() : flow_.dtype(value);
      // Without a zero point the codes are uint8; what a producer says of them is the type before quantization.
      if (dtype != HT_DTYPE_NONE && dtype != HT_F32 && dtype != HT_F16) return model::dtype_name(dtype);
    }
    const Node *quantize = producer(input(dequantize, 0));
    const Handle zero = quantize == nullptr ? HT_NONE : input(*quantize, 2);
    return model::dtype_name(constant(zero) ? model_.value(zero).initializer->dtype() : HT_U8);
  }

  const char *granularity(const Node &dequantize) const {
    const Handle scale = input(dequantize, 1);
    if (!constant(scale)) return "per tensor, scale computed";
    const model::Shape &shape = model_.value(scale).initializer->shape();
    if (shape.size() > 1) return "per block";
    return shape.empty() || shape.front() == 1 ? "per tensor" : "per channel";
  }

  bool is_bias(const Node &dequantize) const {
    const std::vector<model::Use> &uses = model_.value(dequantize.outputs.at(0)).consumers;
    return !uses.empty() && std::ranges::all_of(uses, [&](const model::Use &use) {
      const Node &node = model_.node(use.node);
      return node.domain.empty() && socket_of(node.op_type).input(use.slot) == HT_SLOT_BIAS;
    });
  }

  bool carries_floats(Handle value) const {
    if (value == HT_NONE || constant(value)) return false;
    const ht_dtype dtype = flow_.dtype(value);
    return dtype == HT_F32 || dtype == HT_F16 || dtype == HT_BF16 || dtype == HT_F64 || dtype == HT_DTYPE_NONE;
  }

  void count_operator(Handle h) {
    const Node &node = model_.node(h);
    if (is_a(node, "QuantizeLinear") || is_a(node, "DequantizeLinear") || is_a(node, "Constant")) return;
    if (node.domain.empty() && std::ranges::count(kIntegerOperators, node.op_type) != 0) return;
    std::vector<Handle> data;
    std::ranges::copy_if(node.inputs, std::back_inserter(data), [&](Handle v) { return carries_floats(v); });
    if (data.empty()) return;
    OperatorState &state = out_.operators[node.domain.empty() ? node.op_type : node.domain + "." + node.op_type];
    const auto dequantized = [&](Handle v) {
      const Node *from = producer(v);
      return from != nullptr && is_a(*from, "DequantizeLinear");
    };
    if (std::ranges::all_of(data, dequantized) && !has_float_constant(node)) {
      ++state.quantized;
      group_.insert(h);
    } else if (is_fused(node, data)) {
      ++state.fused;
      group_.insert(h);
    } else {
      ++state.in_float;
      out_.float_nodes.push_back(fmt::format("{} ({})", node.name, node.op_type));
    }
  }

  // A weight, or one side of an Add, that is stored as it was; limits and biases may be.
  bool has_float_constant(const Node &node) const {
    const Socket &socket = socket_of(node);
    for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) {
      const std::uint32_t role = socket.input(slot);
      if ((role != HT_SLOT_ACTIVATION && role != HT_SLOT_WEIGHT) || !constant(node.inputs[slot])) continue;
      if (model_.value(node.inputs[slot]).initializer->dtype() == HT_F32) return true;
    }
    return false;
  }

  // Its one input is the only use of what a quantized operator gives, and its own output is quantized.
  bool is_fused(const Node &node, const std::vector<Handle> &data) const {
    if (data.size() != 1 || node.outputs.size() != 1) return false;
    const model::Value &before = model_.value(data.front()), &after = model_.value(node.outputs.front());
    const auto quantizes = [&](const model::Use &use) { return is_a(model_.node(use.node), "QuantizeLinear"); };
    return before.producer != HT_NONE && group_.count(before.producer) != 0 && before.consumers.size() == 1 &&
           !after.consumers.empty() && std::ranges::all_of(after.consumers, quantizes);
  }

  const Model &model_;
  DataFlow flow_;
  std::vector<Handle> order_;
  QuantizationState &out_;
  std::unordered_set<Handle> group_;  // operators that run on integers, alone or with what follows
};

}  // namespace

QuantizationState quantization_state(const Model &model) {
  QuantizationState state;
  Inspection(model, state).run();
  return state;
}

}  // namespace halftone::pipeline
