#include "folded_layers.h"

#include <algorithm>
#include <string>

#include "halftone/stored_tensor.hpp"

namespace halftone::passes {
namespace {

// Read by this layer alone, and not to be replaced by callers of the model.
bool is_own(const sdk::Graph &graph, ht_handle value) {
  const sdk::Value found = graph.value(value);
  return found.info.consumer_count == 1 && !found.is_input() && !found.is_output();
}

bool has_lost_channel(const sdk::FoldedNorm &norm) {
  for (std::size_t c = 0; c < norm.gamma.size(); ++c) {
    if (!sdk::can_be_divided_out(sdk::fold_factor(norm, c))) return true;
  }
  return false;
}

}  // namespace

FoldedLayers::FoldedLayers(const sdk::Context &ctx, const NetworkPart &part) {
  const sdk::Graph graph(ctx);
  for (const ht_handle handle : part.nodes) {
    auto norm = sdk::noted_fold(graph, handle);
    if (!norm) continue;
    const sdk::Node node = graph.node(handle);
    if (!is_own(graph, node.input(1)) || !is_own(graph, node.input(2))) continue;
    layers_.push_back({handle, node.input(1), node.input(2), std::move(*norm)});
  }
}

void FoldedLayers::keep_declared(const sdk::Context &ctx) {
  const sdk::Graph graph(ctx);
  std::erase_if(layers_, [&](const Layer &layer) {
    const std::string made(graph.value(graph.node(layer.node).output(0)).name());
    return graph.metadata(HT_NOTE_PREFIX "norm-training/" + made) != "batch";
  });
}

void FoldedLayers::keep_those_of(const std::vector<ht_handle> &values) {
  const auto has = [&](ht_handle value) { return std::ranges::find(values, value) != values.end(); };
  std::erase_if(layers_, [&](const Layer &layer) { return !has(layer.weight) || !has(layer.bias); });
}

void FoldedLayers::add_to(sdk::ContentDigest &digest, const sdk::Graph &graph) const {
  digest.add(std::uint64_t{layers_.size()});
  for (const Layer &layer : layers_) digest.add(graph.value(graph.node(layer.node).output(0)).name());
}

std::vector<ht_handle> FoldedLayers::values() const {
  std::vector<ht_handle> values;
  for (const Layer &layer : layers_) {
    values.push_back(layer.weight);
    values.push_back(layer.bias);
  }
  return values;
}

void FoldedLayers::declare(sdk::TrainingSetup &setup, bool by_batch) const {
  for (const Layer &layer : layers_) setup.fold(sdk::train_fold(layer.node, layer.norm, by_batch));
}

void FoldedLayers::note(const sdk::Context &ctx, const sdk::TrainingSession &session, bool weights_learned) const {
  const auto read = [&](const Layer &layer, std::uint32_t kind, std::uint32_t part) {
    return sdk::elements_of<float>(session.read(ctx, kind, layer.node, part));
  };
  for (const Layer &layer : layers_) {
    sdk::FoldedNorm norm = layer.norm;
    norm.gamma = read(layer, HT_LEARNED_WEIGHT, HT_FOLD_GAMMA);
    norm.beta = read(layer, HT_LEARNED_WEIGHT, HT_FOLD_BETA);
    norm.mean = read(layer, HT_LEARNED_STATISTICS, HT_FOLD_MEAN);
    norm.variance = read(layer, HT_LEARNED_STATISTICS, HT_FOLD_VARIANCE);
    if (has_lost_channel(norm) && (weights_learned || norm.weight.empty())) continue;
    sdk::note_fold(sdk::Graph(ctx), sdk::GraphEdit(ctx), layer.node, norm);
  }
}

}  // namespace halftone::passes
