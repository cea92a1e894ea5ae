#include "large_weights.h"

#include <cmath>

#include "halftone/counter_random.hpp"

namespace halftone::passes {
namespace {

// Moves a part of what is large from the layer's weight into `part`.
bool split(StoredTensor &weight, StoredTensor &part, const LargeWeights &options, std::uint64_t stream) {
  bool any = false;
  part = weight;
  for (std::size_t i = 0; i < weight.data.size(); ++i) {
    double share = 0;
    if (std::abs(weight.data[i]) > options.threshold) {
      share = options.random ? counted_random(options.seed, stream, i) : 0.5;
      any = true;
    }
    part.data[i] = weight.data[i] * share;
    weight.data[i] -= part.data[i];
  }
  return any;
}

}  // namespace

double counted_random(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  return sdk::unit_double(sdk::mixed(sdk::mixed(seed, stream), index));
}

std::size_t split_large_weights(const sdk::Context &ctx, const LargeWeights &options, const LayerNames &names) {
  const sdk::Graph graph(ctx);
  const sdk::GraphEdit edit(ctx);
  names.require_matches(graph);
  const std::vector<ht_handle> nodes = graph.nodes();
  std::size_t count = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (i % 32 == 0) ctx.poll(i, nodes.size());
    auto layer = names.selects(graph.node(nodes[i]).name()) ? read_layer(graph, nodes[i]) : std::nullopt;
    StoredTensor part;
    if (!layer || !split(layer->weight, part, options, i)) continue;
    store_tensor(graph, edit, layer->node, layer->weight_slot, layer->name + "_weight", layer->weight);
    add_parallel_layer(graph, edit, *layer, part);
    ++count;
  }
  return count;
}

}  // namespace halftone::passes
