#include "core/pipeline/analysis/layer.h"

#include <algorithm>
#include <string_view>

#include "core/host/session.h"

namespace halftone::pipeline {

namespace {

using model::Handle;

constexpr std::string_view kComputing[] = {"Conv",   "ConvTranspose", "Gemm", "MatMul", "ConvInteger", "MatMulInteger",
                                           "Einsum", "Attention",     "LSTM", "GRU",    "RNN"};

bool runs_dynamic(const quant::Config &config) {
  return config.spec.dynamic != 0 && quant::is_live(config.state);
}

// What a slot does in the whole model, as a config that depends on no other.
void copy_config(const quant::ConfigTable &from, Handle handle, quant::ConfigTable &to) {
  const quant::Config &config = from.get(handle);
  if (runs_dynamic(config)) {
    to.create(config.key, config.spec, quant::State::kActivated);
    return;
  }
  const auto quantizer = from.quantizer(handle, true);
  if (!quantizer) return;
  ht_quant_spec spec = config.spec;
  spec.granularity = quantizer->granularity;
  spec.axis = quantizer->axis;
  spec.block_size = quantizer->block_size;
  const Handle copy = to.create(config.key, spec, quant::State::kInitial);
  to.set_scales(copy, {quantizer->scales, quantizer->count},
                {quantizer->zero_points, quantizer->zero_points == nullptr ? 0 : quantizer->count}, config.provenance);
}

template <typename Visit>
void each_config(const host::WorkingModel &working, Handle node, Visit &&visit) {
  const model::Node &n = working.model.node(node);
  for (const bool output : {false, true}) {
    const std::size_t slots = output ? n.outputs.size() : n.inputs.size();
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
      const Handle config = working.configs.find({node, output, slot});
      if (config != HT_NONE) visit(config);
    }
  }
}

}  // namespace

bool is_computing(const model::Node &node) {
  return node.domain.empty() && std::ranges::find(kComputing, node.op_type) != std::end(kComputing);
}

std::vector<Handle> quantized_nodes(const host::WorkingModel &working, bool all) {
  std::vector<Handle> nodes;
  for (const Handle node : working.model.topological_order(working.model.main_graph())) {
    if (!all && !is_computing(working.model.node(node))) continue;
    bool quantized = false;
    each_config(working, node, [&](Handle config) {
      quantized =
          quantized || runs_dynamic(working.configs.get(config)) || working.configs.quantizer(config, true).has_value();
    });
    if (quantized) nodes.push_back(node);
  }
  return nodes;
}

quant::ConfigTable configs_of(const host::WorkingModel &working, Handle node) {
  quant::ConfigTable configs;
  each_config(working, node, [&](Handle config) { copy_config(working.configs, config, configs); });
  return configs;
}

Cutter::Cutter(const model::Model &model)
    : model_(model), flow_(model), order_(model.topological_order(model.main_graph())) {
  for (const Handle input : model.graph(model.main_graph()).inputs) {
    if (!model.value(input).initializer) varying_.insert(input);
  }
  for (const Handle node : order_) {
    const auto varies = [&](Handle value) { return varying_.contains(value); };
    const model::Node &n = model.node(node);
    if (std::ranges::any_of(n.inputs, varies) || std::ranges::any_of(model.captured_values(node), varies))
      varying_.insert(n.outputs.begin(), n.outputs.end());
    varying_.erase(HT_NONE);  // an empty slot is no value
  }
}

bool Cutter::is_fed(Handle value) const {
  const Handle producer = model_.value(value).producer;
  if (producer == HT_NONE) return true;
  return varying_.contains(value) && flow_.dtype(value) == HT_F32 && !flow_.computes_shapes(producer);
}

Cut Cutter::cut(const std::set<Handle> &nodes, std::span<const Handle> values) const {
  Cut cut;
  std::set<Handle> seen;
  std::vector<Handle> open;
  const auto visit = [&](Handle value) {
    if (value == HT_NONE || model_.value(value).initializer || !seen.insert(value).second) return;
    if (!nodes.contains(model_.value(value).producer) && is_fed(value)) {
      cut.feeds.push_back(value);
    } else {
      open.push_back(model_.value(value).producer);
    }
  };
  for (const Handle value : values) {
    if (!nodes.contains(model_.value(value).producer)) continue;
    cut.emits.push_back(value);
    visit(value);
  }
  while (!open.empty()) {
    const Handle node = open.back();
    open.pop_back();
    for (const Handle value : model_.node(node).inputs) visit(value);
    for (const Handle value : model_.captured_values(node)) visit(value);
  }
  std::ranges::sort(cut.feeds);
  return cut;
}

Cut Cutter::behind(Handle node, std::span<const Handle> values) const {
  return behind(std::span<const Handle>(&node, 1), values);
}

Cut Cutter::behind(std::span<const Handle> first, std::span<const Handle> values) const {
  std::set<Handle> nodes(first.begin(), first.end());
  std::set<Handle> made;
  for (const Handle node : nodes) made.insert(model_.node(node).outputs.begin(), model_.node(node).outputs.end());
  made.erase(HT_NONE);
  for (const Handle other : order_) {
    const auto is_made = [&](Handle value) { return made.contains(value); };
    const model::Node &n = model_.node(other);
    if (!std::ranges::any_of(n.inputs, is_made) && !std::ranges::any_of(model_.captured_values(other), is_made))
      continue;
    nodes.insert(other);
    for (const Handle value : n.outputs) {
      if (value != HT_NONE) made.insert(value);
    }
  }
  return cut(nodes, values);
}

Cut Cutter::alone(Handle node) const {
  std::vector<Handle> outputs;
  for (const Handle value : model_.node(node).outputs) {
    if (value != HT_NONE) outputs.push_back(value);
  }
  return cut({node}, outputs);
}

std::uint64_t parameter_bytes(const model::Model &model, const Cut &cut) {
  std::set<Handle> parameters;
  for (const Handle node : host::needed_nodes(model, cut.feeds, cut.emits)) {
    for (const Handle value : model.node(node).inputs) {
      if (value != HT_NONE && model.value(value).initializer) parameters.insert(value);
    }
  }
  std::uint64_t bytes = 0;
  for (const Handle value : parameters) bytes += model.value(value).initializer->bytes().size();
  return bytes;
}

}  // namespace halftone::pipeline
