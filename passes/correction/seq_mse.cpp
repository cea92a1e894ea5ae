#include <algorithm>
#include <cmath>
#include <string>

#include "halftone/fusion.hpp"
#include "layer_moments.h"
#include "rounding.h"

namespace halftone::passes {
namespace {

constexpr std::size_t kRowsAtOnce = 32;
// The floor that the kernel's arithmetic has for scales.
constexpr float kLeastScale = 1e-8F;
// Differences below this are rounding in the search itself.
constexpr double kLessThan = 1 - 1e-9;

}  // namespace

class SeqMse final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("seq-mse")
        .title("chooses the scales of weights by the error of each layer's output on the data, layer after layer")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT | HT_CAP_CALIBRATE | HT_CAP_EXECUTE |
                      HT_CAP_THREADS)
        .after({HT_FACT_CONFIGS, HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED})
        .invalidates({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "For each scale of a weight, candidates below and above the present one are tried, and the one is kept "
            "with "
            "the least e^T H e, where e is what rounding and clipping do to the weights of an output channel and H = X "
            "X^T are the second moments of the layer's input in the network as it is quantized so far: the squared "
            "error of the output, without running the layer again for each candidate. Layers are done in order, each "
            "with the scales of the earlier ones chosen. weight-scale-search does the same without data, for "
            "independent inputs.\n"
            "\n"
            "Source: sequential MSE of AIMET (Qualcomm). PPQ counterpart: none.");
    d.params.texts("layers", "names of the nodes to treat; empty: all", {})
        .integer("samples", "calibration samples used; 0: all", 128, 0, 1 << 24, "samples")
        .flag("sequential", "treat layer after layer, each with the earlier ones done", true)
        .number("lowest", "the smallest scale tried, as a part of the one found before", 0.5, 0.05, 1.0)
        .number("highest", "the largest scale tried, as a part of the one found before", 1.05, 1.0, 2.0)
        .integer("candidates", "scales tried between them", 45, 2, 1000)
        .integer("memory", "most that the moments of one pass over the data take; a single layer may take more", 1024,
                 1, 1 << 20, "MiB")
        .advanced();
  }
  explicit SeqMse(const sdk::Args &args)
      : names_(args.texts("layers")),
        samples_(static_cast<std::uint64_t>(args.integer("samples"))),
        sequential_(args.flag("sequential")),
        memory_(static_cast<std::uint64_t>(args.integer("memory")) << 20U) {
    // The present scale comes first, so that it is kept unless another is better.
    const auto candidates = static_cast<std::size_t>(args.integer("candidates"));
    factors_.push_back(1);
    for (std::size_t i = 0; i < candidates; ++i) {
      const double part = static_cast<double>(i) / static_cast<double>(candidates - 1);
      factors_.push_back(args.number("highest") - (args.number("highest") - args.number("lowest")) * part);
    }
  }

  void run(const sdk::Context &ctx) override {
    std::vector<Layer> layers = find_layers(ctx, names_, "seq-mse");
    const std::vector<ht_handle> pinned = sdk::Fusions(ctx).pinned();
    std::erase_if(layers, [&](const Layer &layer) {  // a fusion fixes the scale
      return std::ranges::find(pinned, layer.weight_config) != pinned.end();
    });
    require_samples(ctx, layers);
    const std::map<ht_handle, double> largest = magnitudes(ctx, inputs_without_grid(ctx, layers), true);
    std::size_t changed = 0;
    for (const std::vector<const Layer *> &part : schedule(layers, sequential_, false, memory_)) {
      MomentsRequest request;
      request.layers = part;
      request.samples = samples_;
      request.magnitude = &largest;
      const std::vector<LayerMoments> moments = gather_moments(ctx, request);
      for (std::size_t i = 0; i < part.size(); ++i) changed += search(ctx, *part[i], moments[i]) ? 1 : 0;
    }
    ctx.report("searched", std::to_string(layers.size()) + " weights, " + std::to_string(changed) + " changed");
  }

 private:
  // One row has one scale: not so for blocks, nor for channels along the input.
  static bool rows_have_one_scale(const WeightGrid &grid, const MatrixLayout &m) {
    for (std::size_t c = 1; c < m.columns; ++c) {
      if (grid.scale_index(m.offset(0, 0, c)) != grid.scale_index(m.offset(0, 0, 0))) return false;
    }
    return true;
  }

  // errors[row * candidates + candidate] for rows of one group.
  void try_scales(const WeightGrid &grid, const LayerMoments &moments, const MatrixLayout &m, std::size_t g,
                  std::size_t first, std::vector<double> &errors) const {
    const std::size_t count = std::min(kRowsAtOnce, m.outputs - first);
    const WeightRows rows = grid.rows(g, first, count);
    const auto gram = std::span<const double>(moments.gram).subspan(g * m.columns * m.columns, m.columns * m.columns);
    std::vector<double> differences(rows.values.size());
    WeightRows scaled = rows;
    for (std::size_t k = 0; k < factors_.size(); ++k) {
      for (std::size_t i = 0; i < rows.values.size(); ++i) {
        scaled.scales[i] = static_cast<float>(static_cast<double>(rows.scales[i]) * factors_[k]);
        differences[i] = static_cast<double>(scaled.code(i, rows.values[i])) * static_cast<double>(scaled.scales[i]) -
                         rows.values[i];
      }
      const std::vector<double> found = moment_errors(gram, m.columns, differences);
      for (std::size_t r = 0; r < count; ++r) {
        errors[((g * m.outputs) + first + r) * factors_.size() + k] = found[r];
      }
    }
  }

  bool search(const sdk::Context &ctx, const Layer &layer, const LayerMoments &moments) const {
    const sdk::Graph graph(ctx);
    const sdk::Configs configs(ctx);
    const WeightGrid grid(graph, configs, layer);
    const MatrixLayout &m = layer.matrix;
    if (grid.spec.scale_form != HT_SCALE_FREE || !rows_have_one_scale(grid, m)) return false;
    const std::size_t chunks = (m.outputs + kRowsAtOnce - 1) / kRowsAtOnce;
    std::vector<double> errors(m.groups * m.outputs * factors_.size());
    sdk::for_each_piece(ctx, m.groups * chunks, 4 * sizeof(double) * m.columns * kRowsAtOnce,
                        [&](const sdk::Context &, std::uint32_t, std::uint64_t piece) {
                          const auto at = static_cast<std::size_t>(piece);
                          try_scales(grid, moments, m, at / chunks, at % chunks * kRowsAtOnce, errors);
                        });
    // Rows that share a scale are judged together.
    std::vector<double> of_scale(grid.scales.size() * factors_.size(), 0);
    for (std::size_t row = 0; row < m.groups * m.outputs; ++row) {
      const std::size_t s = grid.scale_index(m.offset(row / m.outputs, row % m.outputs, 0));
      for (std::size_t k = 0; k < factors_.size(); ++k) {
        of_scale[s * factors_.size() + k] += errors[row * factors_.size() + k];
      }
    }
    std::vector<float> scales = grid.scales;
    for (std::size_t s = 0; s < scales.size(); ++s) {
      const double *error = of_scale.data() + s * factors_.size();
      std::size_t best = 0;
      for (std::size_t k = 1; k < factors_.size(); ++k) {
        if (error[k] < error[best] * kLessThan) best = k;
      }
      scales[s] = std::max(static_cast<float>(static_cast<double>(scales[s]) * factors_[best]), kLeastScale);
    }
    if (scales == grid.scales) return false;
    configs.set_scales(layer.weight_config, scales, grid.zero_points, "least error of the output on the data");
    return true;
  }

  std::vector<std::string> names_;
  std::uint64_t samples_;
  bool sequential_;
  std::uint64_t memory_;
  std::vector<double> factors_;
};
HALFTONE_PASS(SeqMse)

}  // namespace halftone::passes
