#include "channel_classes.h"

#include <algorithm>

#include "class_finder.h"
#include "halftone/channel_normal.hpp"
#include "halftone/folded_norm.hpp"

namespace halftone::passes {
namespace {

std::vector<double> factors_of(const std::vector<std::uint32_t> &classes, std::span<const double> factors,
                               bool inverse) {
  std::vector<double> out;
  out.reserve(classes.size());
  for (const std::uint32_t id : classes) out.push_back(inverse ? 1 / factors[id] : factors[id]);
  return out;
}

bool any_scaled(const std::vector<std::uint32_t> &classes, std::span<const double> factors) {
  return std::any_of(classes.begin(), classes.end(), [&](std::uint32_t id) { return factors[id] != 1; });
}

void store_addend(const sdk::Graph &graph, const sdk::GraphEdit &edit, const SideConstant &addend,
                  std::span<const double> total) {
  const sdk::Node node = graph.node(addend.node);
  const std::string name(node.name());
  const std::size_t from_last = addend.rank - 1 - addend.axis;
  StoredTensor tensor = widened(*read_tensor(graph, node.input(addend.slot)), from_last,
                                static_cast<std::int64_t>(addend.classes.size()));
  const std::size_t stride = tensor.stride(tensor.rank() - 1 - from_last);
  for (std::size_t i = 0; i < tensor.data.size(); ++i) {
    tensor.data[i] *= total[addend.classes[i / stride % addend.classes.size()]];
  }
  store_tensor(graph, edit, addend.node, addend.slot, name + "_addend", tensor);
}

// What is known of the channels without data is scaled with them.
void scale_note(const sdk::Graph &graph, const sdk::GraphEdit &edit, const LayerChannels &channels,
                std::span<const double> total) {
  auto normal = sdk::noted_normal(graph, channels.output);
  if (!normal || normal->mean.size() != channels.out.size()) return;
  for (std::size_t c = 0; c < channels.out.size(); ++c) {
    normal->mean[c] *= total[channels.out[c]];
    normal->deviation[c] *= total[channels.out[c]];
  }
  sdk::note_normal(graph, edit, channels.output, *normal);
}

// Stores a scaled layer. What its normalization was stays known: gamma and beta scale what comes out, and what comes in
// is divided in the weight before it, so that what is normalized, and its mean and variance, are the same numbers.
void store_scaled(const sdk::Graph &graph, const sdk::GraphEdit &edit, const LayerChannels &channels,
                  std::span<const double> total) {
  const WeightedLayer &layer = channels.layer;
  auto norm = sdk::noted_fold(graph, layer.node);
  store_layer(graph, edit, layer);
  if (!norm) return;
  for (std::size_t c = 0; c < channels.out.size(); ++c) {
    for (std::vector<float> *of : {&norm->gamma, &norm->beta}) {
      (*of)[c] = static_cast<float>((*of)[c] * total[channels.out[c]]);
    }
  }
  if (channels.in.empty()) return sdk::note_fold(graph, edit, layer.node, *norm);
  for (std::size_t i = 0; i < norm->weight.size(); ++i) {
    norm->weight[i] = static_cast<float>(norm->weight[i] / total[channels.in[layer.input_of(i)]]);
  }
  sdk::note_fold(graph, edit, layer.node, *norm);
}

}  // namespace

ChannelClasses::ChannelClasses(const sdk::Context &ctx, const sdk::Graph &graph, const ClassOptions &options) {
  ClassFinder finder(graph, options, *this);
  const std::vector<ht_handle> nodes = graph.nodes();
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (i % 32 == 0) ctx.poll(i, nodes.size());
    finder.visit(nodes[i]);
  }
  finder.finish();
}

const Labels *ChannelClasses::labels(ht_handle value) const {
  const auto found = labels_.find(value);
  return found == labels_.end() ? nullptr : &found->second;
}

void ChannelClasses::scale(const ChannelSite &site, std::span<const double> factors) {
  for (const std::size_t i : site.upstream) layers[i].layer.scale_outputs(factors_of(layers[i].out, factors, false));
  for (const std::size_t i : site.downstream) layers[i].layer.scale_inputs(factors_of(layers[i].in, factors, true));
}

void ChannelClasses::store(const sdk::Graph &graph, const sdk::GraphEdit &edit, std::span<const double> total) const {
  for (const LayerChannels &channels : layers) {
    if (any_scaled(channels.in, total) || any_scaled(channels.out, total)) {
      store_scaled(graph, edit, channels, total);
    }
    if (any_scaled(channels.out, total)) scale_note(graph, edit, channels, total);
  }
  for (const SideConstant &addend : addends) {
    if (any_scaled(addend.classes, total)) store_addend(graph, edit, addend, total);
  }
}

}  // namespace halftone::passes
