// Channels that must be scaled together: all that one layer's output channel flows into, through relays, residual sums
// and concatenations, until layers read it.
//
// Every output channel of a weighted layer starts a class; sums unite classes; whatever is not positively homogeneous,
// an output of the graph, or a read from elsewhere freezes the classes that reach it. Multiplying the output channels
// of a class that is not frozen by a positive number and dividing the input channels by it leaves the model's outputs
// as they are.
#pragma once

#include <functional>
#include <unordered_map>

#include "channel_labels.h"
#include "weighted_layer.h"

namespace halftone::passes {

struct ClassOptions {
  bool sums = true;  // Add, Sub, Sum, Mean, Max, Min and Concat unite; otherwise they freeze
  // Which Clip nodes relay, so that their limits are scaled; the others freeze, as all do when it is empty.
  std::function<bool(ht_handle)> clips;
  // The stored scale and bias of a normalization, or a stored factor for each channel, may make channels too.
  bool norms = false;
};

// One weighted layer and the classes of its channels; empty where they cannot be scaled.
struct LayerChannels {
  WeightedLayer layer;
  std::vector<std::uint32_t> in, out;
  ht_handle output = HT_NONE;
  std::size_t output_axis = 0;
};

// A stored addend, the scale and bias of a normalization, or the limits of a Clip: numbers that are scaled with the
// channels they meet.
struct SideConstant {
  ht_handle node = HT_NONE;
  std::uint32_t slot = 0;
  std::size_t rank = 0, axis = 0;  // of the value that it meets
  std::vector<std::uint32_t> classes;
};

// What a run of classes has to do with one another: the outputs of layers that meet, and the layers that read them.
struct ChannelSite {
  std::vector<std::size_t> upstream, downstream;  // indices of layers, in topological order
  std::size_t norms = 0;                          // normalizations among what makes the channels
};

class ChannelClasses {
 public:
  ChannelClasses(const sdk::Context &ctx, const sdk::Graph &graph, const ClassOptions &options);

  std::vector<LayerChannels> layers;
  std::vector<SideConstant> addends, clips;
  std::vector<ChannelSite> sites;  // with a class that may be scaled and layers on both sides
  std::size_t class_count() const { return frozen_.size(); }
  bool is_frozen(std::uint32_t id) const { return frozen_[id] != 0; }
  // The class of each index of a value's channel axis; null when it has none.
  const Labels *labels(ht_handle value) const;

  // Multiplies outputs and addends of each class by its factor and divides inputs by it, in memory.
  void scale(const ChannelSite &site, std::span<const double> factors);
  // Stores what scale() changed. `total` has the product of all factors of each class.
  void store(const sdk::Graph &graph, const sdk::GraphEdit &edit, std::span<const double> total) const;

 private:
  friend class ClassFinder;
  std::unordered_map<ht_handle, Labels> labels_;
  std::vector<std::uint8_t> frozen_;
};

}  // namespace halftone::passes
