#include "channel_copies.h"

#include <algorithm>
#include <string>

namespace halftone::passes {
namespace {

bool is_indifferent(const sdk::Node &node) {
  for (const char *type : {"Relu", "LeakyRelu", "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool",
                           "Identity", "Dropout", "Add", "Sub", "Sum", "Max", "Min", "Mean", "Flatten"}) {
    if (node.is(type)) return true;
  }
  return false;
}

bool is_plain(const LayerChannels &channels) {
  return channels.layer.groups == 1;
}

// Each channel once: no two indices share one, as they would after Flatten of larger pictures.
bool one_to_one(std::vector<std::uint32_t> ids, std::size_t channels) {
  std::sort(ids.begin(), ids.end());
  return ids.size() == channels && std::adjacent_find(ids.begin(), ids.end()) == ids.end();
}

StoredTensor gathered(const StoredTensor &tensor, std::size_t axis, const std::vector<ChannelCopy> &copies) {
  StoredTensor out{tensor.dtype, tensor.shape, {}};
  out.shape[axis] = static_cast<std::int64_t>(copies.size());
  const std::size_t inner = tensor.stride(axis), extent = static_cast<std::size_t>(tensor.shape[axis]);
  const std::size_t outer = tensor.data.size() / (inner * extent);
  out.data.reserve(outer * inner * copies.size());
  for (std::size_t o = 0; o < outer; ++o) {
    for (const ChannelCopy &copy : copies) {
      const auto run = tensor.data.begin() + static_cast<std::ptrdiff_t>((o * extent + copy.source) * inner);
      out.data.insert(out.data.end(), run, run + static_cast<std::ptrdiff_t>(inner));
    }
  }
  return out;
}

// The axis of the weight that has the output channels, or the input channels.
std::size_t weight_axis(const WeightedLayer &layer, bool of_outputs) {
  const std::size_t lead = layer.type == "MatMul" ? layer.weight.rank() - 2 : 0;
  return layer.outputs_lead == of_outputs ? lead : lead + 1;
}

void refresh(WeightedLayer &layer, std::size_t lead) {
  layer.lead_stride = layer.weight.stride(lead);
  layer.lead_extent = static_cast<std::size_t>(layer.weight.extent(lead));
  layer.second_stride = layer.weight.stride(lead + 1);
  layer.second_extent = static_cast<std::size_t>(layer.weight.extent(lead + 1));
  layer.outputs = layer.outputs_lead ? layer.lead_extent : layer.second_extent;
  layer.inputs = layer.outputs_lead ? layer.second_extent : layer.lead_extent;
}

void copy_outputs(WeightedLayer &layer, const std::vector<ChannelCopy> &copies) {
  const std::size_t lead = layer.type == "MatMul" ? layer.weight.rank() - 2 : 0;
  if (layer.bias) {
    layer.bias = widened(*layer.bias, 0, static_cast<std::int64_t>(layer.outputs));
    layer.bias = gathered(*layer.bias, layer.bias->rank() - 1, copies);
  }
  layer.weight = gathered(layer.weight, weight_axis(layer, true), copies);
  refresh(layer, lead);
  std::vector<double> factors;
  for (const ChannelCopy &copy : copies) factors.push_back(copy.made);
  layer.scale_outputs(factors);
}

void copy_inputs(WeightedLayer &layer, const std::vector<ChannelCopy> &copies) {
  const std::size_t lead = layer.type == "MatMul" ? layer.weight.rank() - 2 : 0;
  layer.weight = gathered(layer.weight, weight_axis(layer, false), copies);
  refresh(layer, lead);
  for (std::size_t i = 0; i < layer.weight.data.size(); ++i) {
    const ChannelCopy &copy = copies[layer.input_of(i)];
    layer.weight.data[i] = layer.weight.data[i] * copy.read + copy.added;
  }
}

bool follow(const sdk::Graph &graph, const ChannelClasses &classes, const std::set<ht_handle> &readers, ht_handle value,
            std::size_t channels, ChannelPath &path) {
  if (!path.values.insert(value).second) return true;
  const Labels *labels = classes.labels(value);
  if (labels == nullptr || !one_to_one(labels->ids, channels)) return false;
  for (const ht_use &use : graph.consumers(value)) {
    if (readers.contains(use.node)) continue;
    const sdk::Node node = graph.node(use.node);
    if (!is_indifferent(node)) return false;
    path.nodes.insert(use.node);
    for (const ht_handle input : node.inputs()) {
      if (input != HT_NONE && classes.labels(input) == nullptr && !graph.value(input).is_initializer()) return false;
      if (input != HT_NONE && graph.value(input).is_initializer() && !node.is("Dropout")) return false;
    }
    if (!follow(graph, classes, readers, node.output(0), channels, path)) return false;
  }
  return true;
}

}  // namespace

std::optional<ChannelPath> open_path(const sdk::Graph &graph, const ChannelClasses &classes, const ChannelSite &site) {
  if (site.upstream.empty()) return std::nullopt;
  const std::vector<std::uint32_t> &order = classes.layers[site.upstream.front()].out;
  if (std::any_of(order.begin(), order.end(), [&](std::uint32_t id) { return classes.is_frozen(id); }))
    return std::nullopt;
  std::set<ht_handle> readers;
  for (const std::size_t i : site.downstream) {
    // Copies are named by their place in the first layer: all others must have the channels in its order.
    if (!is_plain(classes.layers[i]) || classes.layers[i].in != order) return std::nullopt;
    readers.insert(classes.layers[i].layer.node);
  }
  ChannelPath path;
  for (const std::size_t i : site.upstream) {
    const LayerChannels &channels = classes.layers[i];
    if (!is_plain(channels) || channels.out != order || !one_to_one(channels.out, channels.layer.outputs))
      return std::nullopt;
    if (!follow(graph, classes, readers, channels.output, order.size(), path)) return std::nullopt;
  }
  return path;
}

void copy_channels(ChannelClasses &classes, const ChannelSite &site, const std::vector<ChannelCopy> &copies) {
  for (const std::size_t i : site.upstream) copy_outputs(classes.layers[i].layer, copies);
  for (const std::size_t i : site.downstream) copy_inputs(classes.layers[i].layer, copies);
}

void store_copies(const sdk::Graph &graph, const sdk::GraphEdit &edit, const ChannelClasses &classes,
                  const ChannelSite &site, const ChannelPath &path, std::size_t channels) {
  for (const auto *side : {&site.upstream, &site.downstream}) {
    for (const std::size_t i : *side) store_layer(graph, edit, classes.layers[i].layer);
  }
  for (const ht_handle value : path.values) {
    const sdk::Value old = graph.value(value);
    ht_tensor_info type = old.info.type;
    if (type.known_rank == 0) continue;
    type.shape[classes.labels(value)->axis] = static_cast<std::int64_t>(channels);
    const std::string name(old.name());
    const ht_handle producer = old.info.producer;
    const std::uint32_t slot = old.info.producer_slot;
    const std::vector<ht_use> uses = graph.consumers(value);
    const ht_handle made = edit.add_value(old.info.graph, name, &type);
    edit.set_output(producer, slot, made);
    for (const ht_use &use : uses) edit.set_input(use.node, use.slot, made);
    edit.remove_value(value);
    edit.rename_value(made, name);
  }
}

}  // namespace halftone::passes
