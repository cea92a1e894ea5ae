#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "activation_peaks.h"
#include "channel_ranges.h"
#include "halftone/pass.hpp"
#include "layer_names.h"

namespace halftone::passes {
namespace {

// Layers that read one value at one axis, where nothing before it can take the factors.
struct Readers {
  ht_handle value = HT_NONE;
  std::size_t rank = 0, axis = 0;
  std::vector<std::size_t> layers;
};

}  // namespace

class SmoothQuant final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("smooth-quant")
        .title("moves the range of outlier channels from activations into weights")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT | HT_CAP_CALIBRATE | HT_CAP_EXECUTE)
        .invalidates({HT_FACT_CONFIGS, HT_FACT_FUSED, HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED,
                      HT_FACT_PASSIVE_RESOLVED, HT_FACT_BAKED})
        .doc(
            "The inputs of a MatMul or Gemm with a stored weight are divided channel by channel by "
            "s = max|X|^alpha / max|W|^(1 - alpha), and the weights multiplied by it: the product is the same, and "
            "channels that stick out of the activation no longer widen the range of all. X is what calibration data "
            "shows; layers that read the same value (query, key and value) share s.\n"
            "\n"
            "What makes the activation takes the division: the scale and bias of LayerNormalization, as one operator "
            "or decomposed, of other normalizations, or the weight and bias of a layer before (`into_layers`). Where "
            "nothing can take it, because the activation comes from Gelu or from a product of activations, or is read "
            "by something else too, `insert_mul` puts a Mul in front of the layers; without it such layers are left.\n"
            "\n"
            "Method: G. Xiao et al., SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language "
            "Models, ICML 2023. PPQ counterpart: none.");
    d.params.number("alpha", "how much of the difficulty moves to the weights: 0 none, 1 all", 0.5, 0, 1)
        .flag("into_layers", "the layer before may take the factors when it is no normalization", true)
        .flag("insert_mul", "insert a Mul where nothing can take the factors", false)
        .flag("convolutions", "smooth the inputs of convolutions too, where something takes the factors", false)
        .number("least_factor", "the smallest s", 1e-3, 1e-9, 1)
        .number("most_factor", "the largest s", 1e3, 1, 1e9)
        .texts("layers", "names or patterns of the layers whose inputs are smoothed; all when empty", {});
  }
  explicit SmoothQuant(const sdk::Args &args)
      : alpha_(args.number("alpha")),
        into_layers_(args.flag("into_layers")),
        insert_(args.flag("insert_mul")),
        convolutions_(args.flag("convolutions")),
        least_(args.number("least_factor")),
        most_(args.number("most_factor")),
        names_(args.texts("layers")) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    names_.require_matches(graph);
    ClassOptions follow;
    follow.norms = true;
    ChannelClasses classes(ctx, graph, follow);
    std::vector<std::uint8_t> smoothed(classes.layers.size(), 0);
    const std::vector<ChannelSite> sites = usable_sites(classes, smoothed);
    const std::vector<Readers> left = insert_ ? readers_left(graph, classes, smoothed) : std::vector<Readers>{};
    const auto ranges = collect(ctx, graph, classes, sites, left);

    std::vector<double> total(classes.class_count(), 1.0);
    for (const ChannelSite &site : sites) smooth(graph, classes, site, ranges, total);
    for (const Readers &readers : left) insert(graph, edit, classes, readers, ranges.at(readers.value));
    classes.store(graph, edit, total);
    for (const Readers &readers : left) {
      for (const std::size_t i : readers.layers) store_layer(graph, edit, classes.layers[i].layer);
    }
    const auto count = std::count(smoothed.begin(), smoothed.end(), std::uint8_t{1});
    ctx.report("smoothed",
               std::to_string(count) + " layers without, " + std::to_string(inserted_layers(left)) + " with a Mul");
  }

 private:
  static std::size_t inserted_layers(const std::vector<Readers> &left) {
    std::size_t count = 0;
    for (const Readers &readers : left) count += readers.layers.size();
    return count;
  }

  bool is_wanted(const WeightedLayer &layer) const {
    return (convolutions_ || !layer.is_convolution()) && names_.selects(layer.name);
  }

  // Sites whose readers are all wanted, with all of their channels free.
  std::vector<ChannelSite> usable_sites(const ChannelClasses &classes, std::vector<std::uint8_t> &smoothed) const {
    std::vector<ChannelSite> out;
    for (const ChannelSite &site : classes.sites) {
      if (!site.upstream.empty() && !into_layers_) continue;
      const bool wanted = std::all_of(site.downstream.begin(), site.downstream.end(), [&](std::size_t i) {
        const LayerChannels &channels = classes.layers[i];
        return is_wanted(channels.layer) && std::none_of(channels.in.begin(), channels.in.end(),
                                                         [&](std::uint32_t id) { return classes.is_frozen(id); });
      });
      if (!wanted) continue;
      for (const std::size_t i : site.downstream) smoothed[i] = 1;
      out.push_back(site);
    }
    return out;
  }

  std::vector<Readers> readers_left(const sdk::Graph &graph, const ChannelClasses &classes,
                                    const std::vector<std::uint8_t> &smoothed) const {
    std::map<std::pair<ht_handle, std::size_t>, Readers> by_value;
    std::vector<std::pair<ht_handle, std::size_t>> order;
    for (std::size_t i = 0; i < classes.layers.size(); ++i) {
      const WeightedLayer &layer = classes.layers[i].layer;
      if (smoothed[i] != 0 || layer.is_convolution() || !is_wanted(layer)) continue;
      const ht_handle value = graph.node(layer.node).input(layer.data_slot);
      const ht_tensor_info type = graph.value(value).info.type;
      const std::size_t rank = layer.type == "Gemm" ? 2 : type.known_rank != 0 ? type.rank : 0;
      if (rank < 2) continue;
      const std::size_t axis = layer.axes_from_last ? rank - 1 - layer.input_axis : layer.input_axis;
      Readers &readers = by_value[{value, axis}];
      if (readers.layers.empty()) order.emplace_back(value, axis);
      readers.value = value;
      readers.rank = rank;
      readers.axis = axis;
      readers.layers.push_back(i);
    }
    // One set of statistics a value: of two axes the one met first.
    std::vector<Readers> out;
    for (const auto &key : order) {
      const bool known = std::any_of(out.begin(), out.end(), [&](const Readers &r) { return r.value == key.first; });
      if (!known) out.push_back(std::move(by_value[key]));
    }
    return out;
  }

  static std::map<ht_handle, ChannelRange> collect(const sdk::Context &ctx, const sdk::Graph &graph,
                                                   const ChannelClasses &classes, const std::vector<ChannelSite> &sites,
                                                   const std::vector<Readers> &left) {
    std::vector<RangeRequest> requests;
    for (const ChannelSite &site : sites) {
      for (const std::size_t i : site.downstream) {
        const WeightedLayer &layer = classes.layers[i].layer;
        const ht_handle value = graph.node(layer.node).input(layer.data_slot);
        requests.push_back({value, classes.labels(value)->axis});
      }
    }
    for (const Readers &readers : left) requests.push_back({readers.value, readers.axis});
    return collect_ranges(ctx, requests);
  }

  // s of the paper for one channel; 1 where there is nothing to go by.
  double factor(double activation, double weight) const {
    if (!(activation > 0) || !(weight > 0)) return 1;
    return std::clamp(std::pow(activation, alpha_) / std::pow(weight, 1 - alpha_), least_, most_);
  }

  void smooth(const sdk::Graph &graph, ChannelClasses &classes, const ChannelSite &site,
              const std::map<ht_handle, ChannelRange> &ranges, std::vector<double> &total) const {
    std::map<std::uint32_t, std::pair<double, double>> peaks;  // of the activation and the weights, by class
    for (const std::size_t i : site.downstream) {
      const LayerChannels &channels = classes.layers[i];
      const ChannelRange &range = ranges.at(graph.node(channels.layer.node).input(channels.layer.data_slot));
      const std::vector<double> weights = channels.layer.input_peaks();
      for (std::size_t c = 0; c < channels.in.size(); ++c) {
        auto &[activation, weight] = peaks[channels.in[c]];
        activation = std::max(activation, range.peak(c));
        weight = std::max(weight, weights[c]);
      }
    }
    for (const auto &[id, peak] : peaks) total[id] = 1 / factor(peak.first, peak.second);
    classes.scale(site, total);
  }

  void insert(const sdk::Graph &graph, const sdk::GraphEdit &edit, ChannelClasses &classes, const Readers &readers,
              const ChannelRange &range) const {
    std::vector<double> weight(range.low.size(), 0.0);
    for (const std::size_t i : readers.layers) {
      const std::vector<double> peaks = classes.layers[i].layer.input_peaks();
      for (std::size_t c = 0; c < weight.size(); ++c) weight[c] = std::max(weight[c], peaks[c]);
    }
    const WeightedLayer &first = classes.layers[readers.layers.front()].layer;
    StoredTensor divisor{first.weight.dtype, std::vector<std::int64_t>(readers.rank - readers.axis, 1), {}};
    divisor.shape[0] = static_cast<std::int64_t>(weight.size());
    std::vector<double> factors;
    for (std::size_t c = 0; c < weight.size(); ++c) {
      factors.push_back(factor(range.peak(c), weight[c]));
      divisor.data.push_back(1 / factors.back());
    }
    const ht_handle home = graph.node(first.node).graph();
    const ht_tensor_info type = graph.value(readers.value).info.type;
    const ht_handle inputs[] = {readers.value, add_tensor(edit, home, first.name + "_smoothing", divisor)};
    const ht_handle smooth = edit.add_value(home, first.name + "_smoothed", &type);
    edit.add_node(home, "Mul", first.name + "_smooth", inputs, {&smooth, 1});
    for (const std::size_t i : readers.layers) {
      WeightedLayer &layer = classes.layers[i].layer;
      layer.scale_inputs(factors);
      edit.set_input(layer.node, layer.data_slot, smooth);
    }
  }

  double alpha_;
  bool into_layers_, insert_, convolutions_;
  double least_, most_;
  LayerNames names_;
};
HALFTONE_PASS(SmoothQuant)

}  // namespace halftone::passes
