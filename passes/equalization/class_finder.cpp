#include "class_finder.h"

#include <algorithm>
#include <map>

namespace halftone::passes {
namespace {

bool is_sum(const sdk::Node &node) {
  return node.is("Add") || node.is("Sub") || node.is("Sum") || node.is("Mean") || node.is("Max") || node.is("Min");
}

// The slot of the only stored input of two; 2 when there is none or both are.
std::uint32_t stored_slot(const sdk::Graph &graph, const sdk::Node &node) {
  if (node.inputs().size() != 2) return 2;
  const bool first = graph.value(node.input(0)).is_initializer(), second = graph.value(node.input(1)).is_initializer();
  return first == second ? 2 : (first ? 0 : 1);
}

// A value between 0 and 1 that must keep its meaning.
bool is_gate(const sdk::Graph &graph, ht_handle value) {
  const ht_handle producer = graph.value(value).info.producer;
  if (producer == HT_NONE) return false;
  const sdk::Node node = graph.node(producer);
  return node.is("Sigmoid") || node.is("HardSigmoid") || node.is("Softmax");
}

}  // namespace

std::uint32_t LabelSets::add() {
  parent_.push_back(static_cast<std::uint32_t>(parent_.size()));
  frozen_.push_back(0);
  return parent_.back();
}

std::uint32_t LabelSets::root(std::uint32_t label) {
  while (parent_[label] != label) label = parent_[label] = parent_[parent_[label]];
  return label;
}

void LabelSets::unite(std::uint32_t a, std::uint32_t b) {
  const std::uint32_t first = std::min(root(a), root(b)), second = std::max(root(a), root(b));
  parent_[second] = first;
  frozen_[first] |= frozen_[second];
}

std::vector<std::uint32_t> ClassFinder::fresh(std::size_t count) {
  const std::uint32_t place = places_.add();
  std::vector<std::uint32_t> ids(count);
  for (std::uint32_t &id : ids) {
    id = sets_.add();
    place_of_.push_back(place);
  }
  return ids;
}

Labels *ClassFinder::find(ht_handle value) {
  const auto found = out_.labels_.find(value);
  return found == out_.labels_.end() ? nullptr : &found->second;
}

void ClassFinder::freeze(ht_handle value) {
  if (const Labels *labels = find(value)) {
    for (const std::uint32_t id : labels->ids) sets_.freeze(id);
  }
}

void ClassFinder::freeze_inputs(const sdk::Node &node) {
  for (const ht_handle value : node.inputs()) {
    if (value != HT_NONE) freeze(value);
  }
}

void ClassFinder::set(ht_handle value, Labels labels) {
  out_.labels_[value] = std::move(labels);
}

bool ClassFinder::is_seen_elsewhere(ht_handle value) const {
  const sdk::Value v = graph_.value(value);
  if (v.is_output()) return true;
  const std::vector<ht_use> uses = graph_.consumers(value);
  return std::any_of(uses.begin(), uses.end(),
                     [&](const ht_use &use) { return graph_.node(use.node).graph() != v.info.graph; });
}

void ClassFinder::visit(ht_handle handle) {
  const sdk::Node node = graph_.node(handle);
  if (auto layer = read_layer(graph_, handle)) {
    visit_layer(node, std::move(*layer));
  } else if (!visit_addend(node) && !visit_sum(node) && !visit_concat(node) && !visit_clip(node) && !visit_gate(node) &&
             !visit_norm(node) && !visit_relay(node)) {
    if (!node.is("Shape") && !node.is("Size")) freeze_inputs(node);
  }
  for (const ht_handle value : node.outputs()) {
    if (value != HT_NONE && is_seen_elsewhere(value)) freeze(value);
  }
}

void ClassFinder::visit_layer(const sdk::Node &node, WeightedLayer layer) {
  LayerChannels channels;
  const ht_handle data = node.input(layer.data_slot);
  channels.output = node.output(0);
  std::size_t rank = layer.weight.rank();  // of a convolution's and Gemm's output
  const ht_tensor_info type = data == HT_NONE ? ht_tensor_info{} : graph_.value(data).info.type;
  if (layer.axes_from_last && type.known_rank != 0 && type.rank < 2) {
    if (find(data) != nullptr) freeze(data);  // MatMul with a vector has no axis of channels beside another
    rank = 0;
  } else if (const Labels *labels = find(data)) {
    if (layer.axes_from_last) rank = std::max(rank, labels->rank);
    const std::size_t axis = layer.axes_from_last ? labels->rank - 1 - layer.input_axis : layer.input_axis;
    if (labels->axis == axis && labels->ids.size() == layer.inputs) {
      channels.in = labels->ids;
    } else {
      freeze(data);
    }
  } else if (layer.axes_from_last) {
    rank = type.known_rank == 0 ? 0 : std::max<std::size_t>(rank, type.rank);
  }
  // Anything that reads the layer's other slots, such as a computed bias, keeps its scale.
  for (std::size_t slot = 0; slot < node.inputs().size(); ++slot) {
    if (slot != layer.data_slot && node.input(slot) != HT_NONE) freeze(node.input(slot));
  }
  if (rank >= 2 && !layer.bias_is_computed && channels.output != HT_NONE) {
    channels.out = fresh(layer.outputs);
    channels.output_axis = layer.axes_from_last ? rank - 1 - layer.output_axis : layer.output_axis;
    set(channels.output, {rank, channels.output_axis, channels.out});
  }
  channels.layer = std::move(layer);
  out_.layers.push_back(std::move(channels));
}

bool ClassFinder::visit_addend(const sdk::Node &node) {
  if (!node.is("Add") && !node.is("Sub")) return false;
  const std::uint32_t slot = stored_slot(graph_, node);
  if (slot == 2) return false;
  const Labels *labels = find(node.input(1 - slot));
  const auto stored = read_tensor(graph_, node.input(slot));
  if (labels == nullptr || !stored || stored->rank() > labels->rank) return false;
  const std::size_t missing = labels->rank - stored->rank();
  const std::int64_t extent = labels->axis < missing ? 1 : stored->extent(labels->axis - missing);
  if (extent != 1 && extent != static_cast<std::int64_t>(labels->ids.size())) return false;
  out_.addends.push_back({node.handle, slot, labels->rank, labels->axis, labels->ids});
  set(node.output(0), Labels(*labels));
  return true;
}

bool ClassFinder::visit_sum(const sdk::Node &node) {
  if (!options_.sums || !is_sum(node)) return false;
  const Labels *first = find(node.input(0));
  if (first == nullptr) return false;
  for (const ht_handle value : node.inputs()) {
    const Labels *labels = find(value);
    if (labels == nullptr || labels->rank != first->rank || labels->axis != first->axis ||
        labels->ids.size() != first->ids.size()) {
      return false;
    }
  }
  for (const ht_handle value : node.inputs()) {
    const Labels *labels = find(value);
    for (std::size_t i = 0; i < first->ids.size(); ++i) {
      sets_.unite(first->ids[i], labels->ids[i]);
      places_.unite(place_of_[first->ids[i]], place_of_[labels->ids[i]]);
    }
  }
  set(node.output(0), Labels(*first));
  return true;
}

bool ClassFinder::visit_concat(const sdk::Node &node) {
  if (!options_.sums || !node.is("Concat")) return false;
  const Labels *any = nullptr;
  for (const ht_handle value : node.inputs()) any = any != nullptr ? any : find(value);
  if (any == nullptr) return false;
  const std::size_t rank = any->rank, axis = any->axis;
  const std::int64_t along = graph_.attribute_int(node.handle, "axis", 0);
  if (static_cast<std::size_t>(along < 0 ? along + static_cast<std::int64_t>(rank) : along) != axis) {
    return false;  // the same channel of several values: they would all have to be united and known
  }
  std::vector<Labels> parts;
  for (const ht_handle value : node.inputs()) {
    if (const Labels *labels = find(value)) {
      if (labels->rank != rank || labels->axis != axis) return false;
      parts.push_back(*labels);
      continue;
    }
    const ht_tensor_info type = graph_.value(value).info.type;
    if (type.known_rank == 0 || type.rank != rank || type.shape[axis] < 0) return false;
    Labels fixed{rank, axis, fresh(static_cast<std::size_t>(type.shape[axis]))};
    for (const std::uint32_t id : fixed.ids) sets_.freeze(id);
    parts.push_back(std::move(fixed));
  }
  Labels joined{rank, axis, {}};
  for (const Labels &part : parts) {
    if (!joined.ids.empty() && !part.ids.empty()) places_.unite(place_of_[joined.ids[0]], place_of_[part.ids[0]]);
    joined.ids.insert(joined.ids.end(), part.ids.begin(), part.ids.end());
  }
  set(node.output(0), std::move(joined));
  return true;
}

bool ClassFinder::visit_clip(const sdk::Node &node) {
  if (!node.is("Clip") || !options_.clips || !options_.clips(node.handle)) return false;
  const Labels *labels = find(node.input(0));
  if (labels == nullptr) return false;
  for (std::size_t slot = 1; slot < node.inputs().size(); ++slot) {
    if (node.input(slot) == HT_NONE) continue;
    const auto limit = read_tensor(graph_, node.input(slot));
    if (!limit || limit->data.size() != 1) return false;
  }
  out_.clips.push_back({node.handle, 0, labels->rank, labels->axis, labels->ids});
  set(node.output(0), Labels(*labels));
  return true;
}

// A gate multiplies channels by something else than themselves: they keep their classes, the gate its scale.
bool ClassFinder::visit_gate(const sdk::Node &node) {
  if (!node.is("Mul") || node.inputs().size() != 2) return false;
  const bool first = is_gate(graph_, node.input(0)), second = is_gate(graph_, node.input(1));
  if (first == second) return false;
  const ht_handle gate = node.input(first ? 0 : 1), data = node.input(first ? 1 : 0);
  const Labels *labels = find(data);
  const ht_tensor_info type = graph_.value(gate).info.type;
  if (labels == nullptr || type.known_rank == 0 || type.rank > labels->rank) return false;
  const std::size_t missing = labels->rank - type.rank;
  const std::int64_t extent = labels->axis < missing ? 1 : type.shape[labels->axis - missing];
  if (extent != 1 && extent != static_cast<std::int64_t>(labels->ids.size())) return false;
  freeze(gate);
  set(node.output(0), Labels(*labels));
  return true;
}

void ClassFinder::start_channels(const sdk::Node &node, std::size_t rank, std::size_t axis, std::size_t count,
                                 std::initializer_list<std::uint32_t> constants) {
  freeze_inputs(node);
  const Labels labels{rank, axis, fresh(count)};
  for (const std::uint32_t slot : constants) {
    // A bias of a normalization lies on one axis whatever the rank of the value is.
    if (node.input(slot) != HT_NONE)
      out_.addends.push_back({node.handle, slot, node.is("Mul") ? rank : 1, node.is("Mul") ? axis : 0, labels.ids});
  }
  set(node.output(0), labels);
  norms_.push_back(node.output(0));
}

// LayerNormalization over the last axis, normalizations of channels, and Mul by a stored factor for each channel.
bool ClassFinder::visit_norm(const sdk::Node &node) {
  if (!options_.norms) return false;
  const bool layer = node.is("LayerNormalization"), instance = node.is("InstanceNormalization");
  if (!layer && !instance && !node.is("BatchNormalization") && !node.is("Mul")) return false;
  std::uint32_t slot = 1;
  if (node.is("Mul")) {
    slot = stored_slot(graph_, node);
    if (slot == 2 || find(node.input(1 - slot)) != nullptr) return false;  // a relay where the channels are known
  }
  const ht_tensor_info type = graph_.value(node.output(0)).info.type;
  const auto scale = read_tensor(graph_, node.input(slot));
  if (type.known_rank == 0 || !scale || scale->rank() > type.rank) return false;
  for (std::size_t i = 1; i < node.outputs().size(); ++i) {
    if (node.outputs()[i] != HT_NONE) return false;
  }
  if (!node.is("Mul")) {
    const bool has_bias = node.input(2) != HT_NONE;
    const std::int64_t axis = graph_.attribute_int(node.handle, "axis", -1);
    if (scale->rank() != 1 || (layer && axis != -1 && axis != static_cast<std::int64_t>(type.rank) - 1)) return false;
    if (has_bias && !read_tensor(graph_, node.input(2))) return false;
    start_channels(node, type.rank, layer ? type.rank - 1 : 1, scale->data.size(), {1, 2});
    return true;
  }
  std::size_t axis = type.rank;
  for (std::size_t i = 0; i < scale->rank(); ++i) {
    if (scale->shape[i] == 1) continue;
    if (axis != type.rank) return false;
    axis = type.rank - scale->rank() + i;
  }
  if (axis == type.rank) return false;
  start_channels(node, type.rank, axis, scale->data.size(), {slot});
  return true;
}

bool ClassFinder::visit_relay(const sdk::Node &node) {
  std::size_t data = 0, labelled = 0;
  for (std::size_t slot = 0; slot < node.inputs().size(); ++slot) {
    if (node.input(slot) == HT_NONE || find(node.input(slot)) == nullptr) continue;
    data = slot;
    ++labelled;
  }
  if (labelled != 1 || (data != 0 && !node.is("Mul"))) return false;
  const Labels input = *find(node.input(data));
  bool followed = true;
  for (std::size_t slot = 0; slot < node.outputs().size(); ++slot) {
    if (node.outputs()[slot] == HT_NONE) continue;
    const sdk::Value value = graph_.value(node.outputs()[slot]);
    if (value.info.consumer_count == 0 && !value.is_output()) continue;
    if (auto labels = relayed(graph_, node, slot, input)) {
      set(node.outputs()[slot], std::move(*labels));
    } else if (slot == 0 || !node.is("MaxPool")) {  // the indices of MaxPool do not depend on the scale
      followed = false;
    }
  }
  return followed;
}

void ClassFinder::finish() {
  number_classes();
  number_sites();
}

void ClassFinder::number_classes() {
  std::vector<std::uint32_t> number(sets_.size(), 0);
  for (std::uint32_t id = 0; id < sets_.size(); ++id) {
    if (sets_.root(id) != id) continue;
    number[id] = static_cast<std::uint32_t>(out_.frozen_.size());
    out_.frozen_.push_back(sets_.is_frozen(id) ? 1 : 0);
  }
  const auto renumber = [&](std::vector<std::uint32_t> &ids) {
    for (std::uint32_t &id : ids) id = number[sets_.root(id)];
  };
  // Places of classes, before the labels are gone.
  std::vector<std::uint32_t> place(out_.frozen_.size());
  for (std::uint32_t id = 0; id < sets_.size(); ++id) place[number[sets_.root(id)]] = places_.root(place_of_[id]);
  place_of_ = std::move(place);
  for (auto &[value, labels] : out_.labels_) renumber(labels.ids);
  for (LayerChannels &layer : out_.layers) renumber(layer.in), renumber(layer.out);
  for (SideConstant &addend : out_.addends) renumber(addend.classes);
  for (SideConstant &clip : out_.clips) renumber(clip.classes);
}

void ClassFinder::number_sites() {
  std::map<std::uint32_t, ChannelSite> sites;  // by place; places are numbered in topological order
  std::map<std::uint32_t, bool> free;
  for (std::size_t i = 0; i < out_.layers.size(); ++i) {
    const LayerChannels &channels = out_.layers[i];
    if (!channels.out.empty()) sites[place_of_[channels.out.front()]].upstream.push_back(i);
    if (!channels.in.empty()) sites[place_of_[channels.in.front()]].downstream.push_back(i);
    for (const std::uint32_t id : channels.in) {
      if (!out_.is_frozen(id)) free[place_of_[id]] = true;
    }
  }
  for (const ht_handle value : norms_) ++sites[place_of_[find(value)->ids.front()]].norms;
  for (auto &[place, site] : sites) {
    if (free[place] && (!site.upstream.empty() || site.norms > 0) && !site.downstream.empty())
      out_.sites.push_back(std::move(site));
  }
}

}  // namespace halftone::passes
