#include <algorithm>
#include <cmath>
#include <string>

#include "channel_labels.h"
#include "channel_ranges.h"
#include "halftone/channel_normal.hpp"
#include "halftone/pass.hpp"
#include "weighted_layer.h"

namespace halftone::passes {
namespace {

// A layer that reads shifted channels, with the channel of each of its inputs.
struct Reader {
  WeightedLayer layer;
  std::vector<std::uint32_t> channels;
};

// Relu, what gives it its constant part, and all that reads it.
struct Place {
  ht_handle relu = HT_NONE, before = HT_NONE;  // node, and the value that it reads
  ht_handle norm = HT_NONE;                    // the BatchNormalization before it, if that is what there is
  std::optional<WeightedLayer> layer;          // otherwise the layer
  std::size_t axis = 1, channels = 0;
  std::vector<Reader> readers;
};

// Windows that reach beyond the edge read zeros there, which are not shifted.
bool reads_padding(const sdk::Graph &graph, const WeightedLayer &layer) {
  if (!layer.is_convolution()) return false;
  const auto pads = graph.attribute_ints(layer.node, "pads");
  if (std::any_of(pads.begin(), pads.end(), [](std::int64_t p) { return p != 0; })) return true;
  const std::string automatic = graph.attribute_text(layer.node, "auto_pad", "NOTSET");
  if (automatic == "NOTSET" || automatic == "VALID") return false;
  return std::any_of(layer.weight.shape.begin() + 2, layer.weight.shape.end(), [](std::int64_t k) { return k != 1; });
}

class Walk {
 public:
  Walk(const sdk::Graph &graph, bool padded) : graph_(graph), padded_(padded) {}

  // All layers that a value's channels reach unchanged but for a shift; false when they reach anything else.
  bool follow(ht_handle value, const Labels &labels, std::vector<Reader> &readers) const {
    const sdk::Value v = graph_.value(value);
    if (v.is_output()) return false;
    const std::vector<ht_use> uses = graph_.consumers(value);
    return std::all_of(uses.begin(), uses.end(), [&](const ht_use &use) {
      const sdk::Node node = graph_.node(use.node);
      return node.graph() == v.info.graph && follow_into(node, use.slot, labels, readers);
    });
  }

 private:
  bool follow_into(const sdk::Node &node, std::uint32_t slot, const Labels &labels,
                   std::vector<Reader> &readers) const {
    if (auto layer = read_layer(graph_, node.handle)) {
      const bool takes = layer->type == "Conv" || layer->type == "Gemm";
      if (!takes || slot != 0 || layer->bias_is_computed || layer->input_axis != labels.axis) return false;
      if (layer->inputs != labels.ids.size() || (!padded_ && reads_padding(graph_, *layer))) return false;
      readers.push_back({std::move(*layer), labels.ids});
      return true;
    }
    if (slot != 0 || !keeps_offsets(graph_, node)) return false;
    for (std::size_t i = 0; i < node.outputs().size(); ++i) {
      const ht_handle value = node.outputs()[i];
      if (value == HT_NONE || (graph_.value(value).info.consumer_count == 0 && !graph_.value(value).is_output()))
        continue;
      const auto next = relayed(graph_, node, i, labels);
      if (!next || !follow(value, *next, readers)) return false;
    }
    return true;
  }

  const sdk::Graph &graph_;
  bool padded_;
};

}  // namespace

class BiasAbsorption final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("bias-absorption")
        .title("moves the constant part of high activations into the bias of the next layer")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT | HT_CAP_CALIBRATE | HT_CAP_EXECUTE)
        .invalidates(
            {HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED, HT_FACT_PASSIVE_RESOLVED, HT_FACT_BAKED})
        .doc(
            "A channel that is never below c > 0 in front of Relu wastes the part of its range below c. With c taken "
            "from the bias of the layer and W c added to that of the next one the model computes the same and the "
            "activation has a smaller range. Equalization makes such channels: it multiplies biases too.\n"
            "\n"
            "`by` chooses c for each channel: `minimum`, the least value in the calibration data less `margin` times "
            "the channel's range (the model is unchanged on that data); `three-sigma`, mean minus three standard "
            "deviations in the data; `batch-norm`, "
            "the same from the scale and bias of a BatchNormalization that is still in the graph, without data. The "
            "last two are the paper's: one value in 740 of a normal distribution is then changed.\n"
            "\n"
            "The next layers must be Conv or Gemm. A convolution that pads reads zeros at the edge, which would be "
            "off by c: such places are left as they are unless `padded` is `approximate`.\n"
            "\n"
            "Method: M. Nagel et al., Data-Free Quantization through Weight Equalization and Bias Correction, ICCV "
            "2019, section 4.1.3. PPQ counterpart: none.");
    d.params
        .choice("by", "where the constant part of a channel is known from", "minimum",
                {"minimum", "three-sigma", "batch-norm"})
        .choice("padded", "what becomes of places with padded convolutions", "refuse", {"refuse", "approximate"})
        .number("margin", "`minimum`: how far below the least value c stays, as a part of the channel's range", 0.2, 0,
                100);
  }
  explicit BiasAbsorption(const sdk::Args &args)
      : by_(args.text("by")), padded_(args.text("padded") == "approximate"), margin_(args.number("margin")) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    std::vector<Place> places = find_places(ctx, graph);
    std::map<ht_handle, ChannelRange> ranges;
    if (by_ != "batch-norm") {
      std::vector<RangeRequest> requests;
      for (const Place &place : places) requests.push_back({place.before, place.axis});
      ranges = collect_ranges(ctx, requests, by_ == "three-sigma");
    }
    std::size_t channels = 0, changed = 0;
    for (Place &place : places) {
      const std::vector<double> shift = shift_of(graph, place, ranges);
      const auto count = std::count_if(shift.begin(), shift.end(), [](double c) { return c > 0; });
      if (count == 0) continue;
      absorb(graph, edit, place, shift);
      channels += static_cast<std::size_t>(count);
      ++changed;
    }
    ctx.report("absorbed", std::to_string(channels) + " channels of " + std::to_string(changed) + " layers; " +
                               std::to_string(places.size()) + " could");
  }

 private:
  std::vector<Place> find_places(const sdk::Context &ctx, const sdk::Graph &graph) const {
    std::vector<Place> places;
    const std::vector<ht_handle> nodes = graph.nodes();
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (i % 32 == 0) ctx.poll(i, nodes.size());
      if (!graph.node(nodes[i]).is("Relu")) continue;
      if (auto place = find_place(graph, nodes[i])) places.push_back(std::move(*place));
    }
    return places;
  }

  std::optional<Place> find_place(const sdk::Graph &graph, ht_handle relu) const {
    const sdk::Node node = graph.node(relu);
    Place place;
    place.relu = relu;
    place.before = node.input(0);
    if (!graph.sole_consumer(place.before)) return std::nullopt;
    const ht_handle producer = graph.value(place.before).info.producer;
    if (producer == HT_NONE) return std::nullopt;
    std::size_t rank = 0;
    if (graph.node(producer).is("BatchNormalization")) {
      const auto bias = read_tensor(graph, graph.node(producer).input(2));
      const ht_tensor_info type = graph.value(place.before).info.type;
      if (!bias || type.known_rank == 0) return std::nullopt;
      place.norm = producer;
      place.channels = bias->data.size();
      rank = type.rank;
    } else {
      place.layer = read_layer(graph, producer);
      if (by_ == "batch-norm" || !place.layer || place.layer->type == "MatMul" || place.layer->bias_is_computed)
        return std::nullopt;
      place.channels = place.layer->outputs;
      place.axis = place.layer->output_axis;
      rank = place.layer->weight.rank();
    }
    Labels labels{rank, place.axis, {}};
    for (std::size_t c = 0; c < place.channels; ++c) labels.ids.push_back(static_cast<std::uint32_t>(c));
    if (!Walk(graph, padded_).follow(node.output(0), labels, place.readers) || place.readers.empty())
      return std::nullopt;
    return place;
  }

  std::vector<double> shift_of(const sdk::Graph &graph, const Place &place,
                               const std::map<ht_handle, ChannelRange> &ranges) const {
    std::vector<double> shift(place.channels, 0.0);
    if (by_ == "batch-norm") {
      const auto scale = read_tensor(graph, graph.node(place.norm).input(1));
      const auto bias = read_tensor(graph, graph.node(place.norm).input(2));
      if (!scale || !bias || scale->data.size() != shift.size()) return shift;
      for (std::size_t c = 0; c < shift.size(); ++c) shift[c] = bias->data[c] - 3 * std::abs(scale->data[c]);
    } else {
      const ChannelRange &range = ranges.at(place.before);
      for (std::size_t c = 0; c < shift.size(); ++c) {
        shift[c] = by_ == "minimum" ? range.low[c] - margin_ * (range.high[c] - range.low[c])
                                    : range.mean[c] - 3 * range.deviation[c];
      }
    }
    for (double &c : shift) c = std::max(c, 0.0);
    return shift;
  }

  static void absorb(const sdk::Graph &graph, const sdk::GraphEdit &edit, Place &place,
                     const std::vector<double> &shift) {
    std::vector<double> taken(shift.size());
    std::transform(shift.begin(), shift.end(), taken.begin(), [](double c) { return -c; });
    if (place.norm != HT_NONE) {
      const sdk::Node norm = graph.node(place.norm);
      StoredTensor bias = *read_tensor(graph, norm.input(2));
      for (std::size_t c = 0; c < bias.data.size(); ++c) bias.data[c] += taken[c];
      store_tensor(graph, edit, place.norm, 2, std::string(norm.name()) + "_bias", bias);
    } else {
      add_to_layer(graph, edit, place.layer->node, taken);
      if (auto normal = sdk::noted_normal(graph, place.before); normal && normal->mean.size() == taken.size()) {
        for (std::size_t c = 0; c < taken.size(); ++c) normal->mean[c] += taken[c];
        sdk::note_normal(graph, edit, place.before, *normal);
      }
    }
    for (const Reader &reader : place.readers) {
      const WeightedLayer &layer = reader.layer;
      const double alpha = layer.type == "Gemm" ? graph.attribute_float(layer.node, "alpha", 1.0) : 1.0;
      std::vector<double> given(layer.outputs, 0.0);
      for (std::size_t i = 0; i < layer.weight.data.size(); ++i) {
        given[layer.output_of(i)] += alpha * layer.weight.data[i] * shift[reader.channels[layer.input_of(i)]];
      }
      add_to_layer(graph, edit, layer.node, given);
    }
  }

  // Reads the layer anew: another place may have changed its bias.
  static void add_to_layer(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle node,
                           const std::vector<double> &added) {
    WeightedLayer layer = *read_layer(graph, node);
    add_to_bias(graph, edit, layer, added);
  }

  std::string by_;
  bool padded_;
  double margin_;
};
HALFTONE_PASS(BiasAbsorption)

}  // namespace halftone::passes
