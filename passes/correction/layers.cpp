#include "layers.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "halftone/stored_tensor.hpp"
#include "unknown_operators.h"

namespace halftone::passes {
namespace {

std::vector<std::int64_t> ints_or(const sdk::Graph &graph, ht_handle node, std::string_view name, std::size_t count,
                                  std::int64_t deflt) {
  std::vector<std::int64_t> list = graph.attribute_ints(node, name);
  list.resize(count, deflt);
  return list;
}

Window window_of(const sdk::Graph &graph, const sdk::Node &node, std::span<const std::int64_t> kernel) {
  Window w;
  const std::size_t axes = kernel.size();
  w.kernel.assign(kernel.begin(), kernel.end());
  w.strides = ints_or(graph, node.handle, "strides", axes, 1);
  w.dilations = ints_or(graph, node.handle, "dilations", axes, 1);
  const std::vector<std::int64_t> pads = ints_or(graph, node.handle, "pads", 2 * axes, 0);
  w.pads_begin.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(axes));
  w.pads_end.assign(pads.begin() + static_cast<std::ptrdiff_t>(axes), pads.end());
  w.output_padding = ints_or(graph, node.handle, "output_padding", axes, 0);
  w.auto_pad = graph.attribute_text(node.handle, "auto_pad", "NOTSET");
  w.transposed = node.is("ConvTranspose");
  return w;
}

bool read_convolution(const sdk::Graph &graph, const sdk::Node &node, const ht_tensor_view &weight, Layer &layer) {
  if (weight.rank < 3) return false;
  // An output shape of its own would need the pads that follow from it.
  if (node.is("ConvTranspose") && !graph.attribute_ints(node.handle, "output_shape").empty()) return false;
  const auto groups = static_cast<std::size_t>(graph.attribute_int(node.handle, "group", 1));
  const auto first = static_cast<std::size_t>(weight.shape[0]), second = static_cast<std::size_t>(weight.shape[1]);
  layer.convolves = true;
  layer.window = window_of(graph, node, sdk::shape_of(weight).subspan(2));
  MatrixLayout &m = layer.matrix;
  for (std::uint32_t k = 2; k < weight.rank; ++k) m.taps *= static_cast<std::size_t>(weight.shape[k]);
  if (groups == 0 || first % groups != 0) return false;
  m.groups = groups;
  m.group_step = first / groups * second * m.taps;
  const std::size_t along_first = second * m.taps;
  if (layer.window.transposed) {
    m.outputs = second, m.columns = first / groups * m.taps;
    m.output_step = m.taps, m.channel_step = along_first;
    layer.channels = first;
  } else {
    m.outputs = first / groups, m.columns = along_first;
    m.output_step = along_first, m.channel_step = m.taps;
    layer.channels = second * groups;
  }
  return true;
}

bool read_product(const sdk::Graph &graph, const sdk::Node &node, const ht_tensor_view &weight, Layer &layer) {
  if (weight.rank != 2) return false;
  if (node.is("Gemm") && graph.attribute_int(node.handle, "transA", 0) != 0) return false;
  const bool transposed = node.is("Gemm") && graph.attribute_int(node.handle, "transB", 0) != 0;
  const auto rows = static_cast<std::size_t>(weight.shape[0]), columns = static_cast<std::size_t>(weight.shape[1]);
  MatrixLayout &m = layer.matrix;
  m.outputs = transposed ? rows : columns;
  m.columns = transposed ? columns : rows;
  m.output_step = transposed ? columns : 1;
  m.channel_step = transposed ? 1 : columns;
  layer.channels = m.columns;
  return true;
}

}  // namespace

bool read_layer(const sdk::Graph &graph, const sdk::Configs &configs, ht_handle handle, Layer &layer) {
  const sdk::Node node = graph.node(handle);
  const bool convolution = node.is("Conv") || node.is("ConvTranspose");
  if (!convolution && !node.is("Gemm") && !node.is("MatMul")) return false;
  const auto weight = graph.initializer(node.input(1));
  if (!weight || weight->dtype != HT_F32 || sdk::count_of(*weight) == 0 || graph.initializer(node.input(0)))
    return false;
  layer = {};
  layer.node = handle;
  layer.input = node.input(0);
  layer.output = node.output(0);
  layer.weight_config = configs.input(handle, 1);
  layer.input_config = configs.input(handle, 0);
  layer.name = std::string(node.name());
  layer.op_type = std::string(node.op_type());
  return convolution ? read_convolution(graph, node, *weight, layer) : read_product(graph, node, *weight, layer);
}

std::vector<Layer> find_layers(const sdk::Context &ctx, const std::vector<std::string> &names, std::string_view pass) {
  const sdk::Graph graph(ctx);
  const sdk::Configs configs(ctx);
  std::map<std::string, bool> found;
  for (const std::string &name : names) found[name] = false;
  std::vector<Layer> layers;
  for (const ht_handle handle : graph.nodes()) {
    Layer layer;
    if (!read_layer(graph, configs, handle, layer) || layer.weight_config == HT_NONE) continue;
    const auto named = found.find(layer.name);
    if (!names.empty() && named == found.end()) continue;
    const ht_config_info info = configs.info(layer.weight_config);
    if (info.state == HT_STATE_BAKED) {
      throw sdk::Failure(HT_FAILED_PRECONDITION,
                         "the weight of " + layer.op_type + " '" + layer.name + "' is stored in quantized form; put " +
                             std::string(pass) + " before parameter-baking",
                         handle);
    }
    const bool own = info.root == layer.weight_config && info.master == HT_NONE;
    if (info.state != HT_STATE_ACTIVATED || !own || info.spec.kind != HT_QUANT_INTEGER || info.spec.bits > 16) continue;
    if (named != found.end()) named->second = true;
    layers.push_back(std::move(layer));
  }
  if (names.empty()) report_unknown(ctx);
  for (const auto &[name, used] : found) {
    if (used) continue;
    for (const UnknownOperator &unknown : unknown_operators(ctx)) {
      if (unknown.name != name) continue;
      throw sdk::Failure(HT_INVALID_ARGUMENT, std::string(pass) + " cannot treat '" + name + "': what " + unknown.type +
                                                  " does with its weight only its plug-in knows; take it out of "
                                                  "`layers`");
    }
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       "no Conv, ConvTranspose, Gemm or MatMul named '" + name +
                           "' has a weight that is quantized with a scale of its own; `halftone inspect` lists nodes");
  }
  find_depths(graph, layers);
  return layers;
}

void find_depths(const sdk::Graph &graph, std::vector<Layer> &layers) {
  std::unordered_map<ht_handle, Layer *> of_node;
  for (Layer &layer : layers) of_node[layer.node] = &layer;
  std::unordered_map<ht_handle, std::size_t> depth;  // of values
  for (const ht_handle handle : graph.nodes()) {
    const sdk::Node node = graph.node(handle);
    std::size_t deepest = 0;
    for (const ht_handle input : node.inputs()) {
      const auto known = depth.find(input);
      if (known != depth.end()) deepest = std::max(deepest, known->second);
    }
    if (const auto found = of_node.find(handle); found != of_node.end()) found->second->depth = deepest++;
    for (const ht_handle output : node.outputs()) depth[output] = deepest;
  }
}

std::vector<std::vector<const Layer *>> by_depth(const std::vector<Layer> &layers) {
  std::map<std::size_t, std::vector<const Layer *>> sorted;
  for (const Layer &layer : layers) sorted[layer.depth].push_back(&layer);
  std::vector<std::vector<const Layer *>> groups;
  for (auto &[depth, group] : sorted) groups.push_back(std::move(group));
  return groups;
}

std::vector<float> stored_floats(const sdk::Graph &graph, ht_handle node, std::uint32_t slot) {
  return sdk::read_floats(graph, graph.node(node).input(slot)).value_or(std::vector<float>());
}

void store_floats(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle node, std::uint32_t slot,
                  const std::vector<float> &values) {
  const ht_handle present = graph.node(node).input(slot);
  const auto tensor = graph.initializer(present);
  const std::vector<std::int64_t> shape(tensor->shape, tensor->shape + tensor->rank);
  sdk::store_view(graph, edit, node, slot, graph.value(present).name(), sdk::float_view(values.data(), shape));
}

}  // namespace halftone::passes
