// The pass residual-channels: where a weight of few bits loses most, a second weight adds what was lost.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "halftone/artefact.hpp"
#include "insertion.h"
#include "layer.h"

namespace residual {
namespace {

struct Moments {
  std::vector<double> means, variances;  // of the input channels
};

Moments moments_of(const Layer &layer, const ht_statistics &statistics) {
  if (statistics.channel_count != layer.channels() || statistics.channel_elements == 0) {
    throw sdk::Failure(HT_INTERNAL,
                       "statistics of " + std::to_string(statistics.channel_count) + " channels for " +
                           std::to_string(layer.channels()),
                       layer.node);
  }
  Moments out;
  const double count = static_cast<double>(statistics.channel_elements);
  for (std::size_t c = 0; c < layer.channels(); ++c) {
    out.means.push_back(statistics.channel_sum[c] / count);
    out.variances.push_back(std::max(statistics.channel_square_sum[c] / count - out.means[c] * out.means[c], 0.0));
  }
  return out;
}

// Expected squared error of the layer's output that each input channel causes: Var[x_c] * |w_c - q(w_c)|^2. What the
// means cause is a constant for each output, and goes into a bias.
std::vector<double> expected_errors(const Layer &layer, const Moments &moments) {
  std::vector<double> errors = layer.squared_loss();
  for (std::size_t c = 0; c < errors.size(); ++c) errors[c] *= moments.variances[c];
  return errors;
}

// The channels of the largest errors, in their own order. Equal errors: the lower number.
std::vector<std::int64_t> worst(const std::vector<double> &errors, double share) {
  std::vector<std::int64_t> channels(errors.size());
  std::iota(channels.begin(), channels.end(), 0);
  std::stable_sort(channels.begin(), channels.end(), [&](std::int64_t a, std::int64_t b) {
    return errors[static_cast<std::size_t>(a)] > errors[static_cast<std::size_t>(b)];
  });
  const double wanted = std::ceil(share * static_cast<double>(errors.size()));
  channels.resize(std::min(channels.size(), static_cast<std::size_t>(wanted)));
  while (!channels.empty() && errors[static_cast<std::size_t>(channels.back())] == 0) channels.pop_back();
  std::sort(channels.begin(), channels.end());
  return channels;
}

double sum(const std::vector<double> &errors) {
  return std::accumulate(errors.begin(), errors.end(), 0.0);
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + "\"";
}

// One layer of the artefact, as JSON.
std::string entry(std::string_view name, const std::vector<double> &errors, const std::vector<std::int64_t> &kept) {
  double left = sum(errors);
  std::string channels;
  for (const std::int64_t c : kept) {
    left -= errors[static_cast<std::size_t>(c)];
    channels += (channels.empty() ? "" : ", ") + std::to_string(c);
  }
  return "  {\"layer\": " + quoted(name) + ", \"channels\": [" + channels +
         "], \"of\": " + std::to_string(errors.size()) + ", \"expected_error\": " + std::to_string(sum(errors)) +
         ", \"without_these\": " + std::to_string(std::max(left, 0.0)) + "}";
}

}  // namespace

class ResidualChannels final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("residual-channels")
        .title("adds what low-bit weights lose in the input channels that matter most")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT |
                      HT_CAP_CALIBRATE | HT_CAP_FILE_WRITE)
        .after({HT_FACT_CONFIGS, HT_FACT_FUSED, HT_FACT_PARAMETERS_QUANTIZED})
        .doc(
            "A layer whose weight w has at most `bits` bits becomes a sum of two: the layer as it is, and the same "
            "operator with the weight w - q(w), quantized in the same way, on the part `share` of the input channels. "
            "Channels are taken by Var[x] * |w - q(w)|^2, the squared error that each adds to the output. What the "
            "other "
            "channels lose on average becomes a bias, where the operator has one (Conv, Gemm).\n"
            "\n"
            "Goes behind parameter-quantize and before runtime-calibration. Leaves an artefact residues.json.\n"
            "\n"
            "Sources: E. Yvinec et al., REx: Data-Free Residual Quantization Error Expansion, NeurIPS 2023 (the "
            "residue); C. Lee et al., OWQ: Outlier-Aware Weight Quantization, AAAI 2024 (which channels, there by "
            "E[x^2]); M. Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV "
            "2019 (the bias). PPQ counterpart: none.");
    d.params.number("share", "part of the input channels whose loss is added", 0.125, 0, 1)
        .integer("bits", "layers whose weights have at most so many bits", 4, 2, 8, "bits")
        .texts("leave", "names of layers that are left as they are", {});
  }
  explicit ResidualChannels(const sdk::Args &args)
      : share_(args.number("share")),
        bits_(static_cast<std::uint32_t>(args.integer("bits"))),
        leave_(args.texts("leave")) {}

  void run(const sdk::Context &ctx) override {
    const std::vector<Layer> layers = find(ctx);
    collect(ctx, layers);
    std::vector<ht_handle> weights;
    std::string artefact;
    std::size_t kept_channels = 0;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      ctx.poll(i, layers.size());
      const ht_statistics *statistics = nullptr;
      sdk::check(ctx.host.calibration->statistics(ctx.raw, layers[i].input, &statistics));
      const Moments moments = moments_of(layers[i], *statistics);
      const std::vector<double> errors = expected_errors(layers[i], moments);
      const std::vector<std::int64_t> kept = worst(errors, share_);
      artefact += (artefact.empty() ? "" : ",\n") + entry(sdk::Graph(ctx).node(layers[i].node).name(), errors, kept);
      if (kept.empty()) continue;
      weights.push_back(insert_residue(ctx, layers[i], kept, layers[i].mean_loss(kept, moments.means)));
      kept_channels += kept.size();
    }
    render(ctx, weights);
    sdk::write_artefact(ctx, "residues.json", "[\n" + artefact + "\n]\n");
    ctx.report("residues", std::to_string(weights.size()) + " layers, " + std::to_string(kept_channels) + " channels");
  }

 private:
  std::vector<Layer> find(const sdk::Context &ctx) const {
    const sdk::Graph graph(ctx);
    const sdk::Configs configs(ctx);
    std::vector<Layer> layers;
    for (const ht_handle node : graph.nodes()) {
      if (std::find(leave_.begin(), leave_.end(), graph.node(node).name()) != leave_.end()) continue;
      if (auto layer = layer_at(ctx, graph, configs, node, bits_)) layers.push_back(std::move(*layer));
    }
    return layers;
  }

  // One pass over the data for all layers.
  static void collect(const sdk::Context &ctx, const std::vector<Layer> &layers) {
    std::vector<ht_statistics_request> requests;
    for (const Layer &layer : layers) {
      ht_statistics_request request{};
      request.struct_size = sizeof(request);
      request.wants = HT_WANT_CHANNEL_MOMENTS;
      request.value = layer.input;
      request.channel_axis = layer.data_axis;
      const auto same = [&](const ht_statistics_request &r) { return r.value == layer.input; };
      if (std::none_of(requests.begin(), requests.end(), same)) requests.push_back(request);
    }
    if (requests.empty()) return;
    ht_collect_options options{};
    options.struct_size = sizeof(options);
    sdk::check(ctx.host.calibration->collect(ctx.raw, requests.data(), requests.size(), &options));
  }

  // The scales of the new weights, as minmax finds them.
  static void render(const sdk::Context &ctx, const std::vector<ht_handle> &weights) {
    if (weights.empty()) return;
    std::vector<std::uint32_t> rendered(weights.size());
    const ht_str observer = sdk::view(std::string_view("minmax"));
    sdk::check(ctx.host.calibration->render_all(ctx.raw, weights.data(), weights.size(), &observer, rendered.data()));
  }

  double share_;
  std::uint32_t bits_;
  std::vector<std::string> leave_;
};
HALFTONE_PASS(ResidualChannels)

}  // namespace residual

HALFTONE_PLUGIN("com.example.residual-channels", "1.0", "Apache-2.0")
