#include "large_weights.h"

#include <cmath>

namespace halftone::passes {
namespace {

// SplitMix64: G. Steele et al., Fast Splittable Pseudorandom Number Generators, OOPSLA 2014.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

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
  return static_cast<double>(mixed(mixed(mixed(seed) ^ stream) ^ index) >> 11) * 0x1p-53;
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
