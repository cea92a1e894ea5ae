#include "layer_bias.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace halftone::passes {
namespace {

// Operators that change each element for itself.
constexpr std::array<std::string_view, 12> kActivations = {"Relu",      "Clip",        "LeakyRelu", "PRelu",
                                                           "Elu",       "Selu",        "Sigmoid",   "Tanh",
                                                           "HardSwish", "HardSigmoid", "Softplus",  "Gelu"};

// A MatMul's bias is the stored vector of the only Add behind it.
LayerBias bias_behind(const sdk::Graph &graph, const Layer &layer) {
  LayerBias bias;
  const auto use = graph.sole_consumer(layer.output);
  if (!use || !graph.node(use->node).is("Add")) return bias;
  const std::uint32_t slot = 1 - use->slot;
  const sdk::Node add = graph.node(use->node);
  const auto tensor = graph.initializer(add.input(slot));
  const auto outputs = static_cast<std::int64_t>(layer.matrix.outputs);
  if (!tensor || tensor->dtype != HT_F32 || tensor->rank == 0 || sdk::count_of(*tensor) != outputs) return bias;
  if (tensor->shape[tensor->rank - 1] != outputs) return bias;
  bias.node = use->node;
  bias.slot = slot;
  bias.present = true;
  bias.output = add.output(0);
  bias.axis = -1;
  bias.values = stored_floats(graph, use->node, slot);
  return bias;
}

}  // namespace

LayerBias find_bias(const sdk::Graph &graph, const Layer &layer) {
  if (layer.op_type == "MatMul") return bias_behind(graph, layer);
  LayerBias bias;
  const std::size_t outputs = layer.matrix.groups * layer.matrix.outputs;
  const sdk::Node node = graph.node(layer.node);
  bias.output = layer.output;
  bias.axis = layer.convolves ? 1 : -1;
  bias.present = node.input(2) != HT_NONE;
  if (!bias.present) {
    bias.node = layer.node;
    bias.values.assign(outputs, 0);
    return bias;
  }
  if (layer.op_type == "Gemm") bias.factor = graph.attribute_float(layer.node, "beta", 1.0);
  const auto tensor = graph.initializer(node.input(2));
  const bool by_channel = tensor && tensor->dtype == HT_F32 && tensor->rank > 0 &&
                          sdk::count_of(*tensor) == static_cast<std::int64_t>(outputs) &&
                          tensor->shape[tensor->rank - 1] == static_cast<std::int64_t>(outputs);
  if (!by_channel || bias.factor == 0) return bias;
  bias.node = layer.node;
  bias.values = stored_floats(graph, layer.node, 2);
  return bias;
}

void store_bias(const sdk::Context &ctx, const Layer &layer, LayerBias &bias, const std::vector<float> &values) {
  const sdk::Graph graph(ctx);
  const sdk::GraphEdit edit(ctx);
  if (bias.present) {
    store_floats(graph, edit, bias.node, bias.slot, values);
  } else {
    const std::int64_t count = static_cast<std::int64_t>(values.size());
    const ht_tensor_view view = sdk::float_view(values.data(), {&count, 1});
    edit.resize_inputs(layer.node, 3);
    if (layer.op_type == "Gemm") edit.set_float(layer.node, "beta", 1.0);  // whatever it was, nothing used it
    edit.set_input(layer.node, 2, edit.add_initializer(graph.main(), layer.name + ".bias", view));
    bias.present = true;
    ht_node_rule rule{};
    rule.struct_size = sizeof(rule);
    sdk::check(ctx.host.target->node_rule(ctx.raw, layer.node, &rule));
    if (rule.quantized != 0 && rule.input_count > 2 && rule.inputs[2].role == HT_SLOT_BIAS) {
      (void)sdk::Configs(ctx).create(layer.node, HT_SLOT_INPUT, 2, rule.inputs[2].spec, HT_STATE_PASSIVE_INIT);
    }
  }
  bias.values = values;
}

ht_handle behind_activation(const sdk::Graph &graph, ht_handle value) {
  const auto use = graph.sole_consumer(value);
  if (!use || use->slot != 0) return value;
  const sdk::Node node = graph.node(use->node);
  const bool activation =
      node.domain().empty() && std::ranges::find(kActivations, node.op_type()) != kActivations.end();
  return activation ? node.output(0) : value;
}

}  // namespace halftone::passes
