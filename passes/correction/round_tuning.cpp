#include <algorithm>
#include <cmath>
#include <string>

#include "layer_bias.h"
#include "layer_moments.h"
#include "rounding.h"

namespace halftone::passes {
namespace {

// Rows that one piece of work rounds; never depends on the number of threads.
constexpr std::size_t kRowsOfTask = 32;

}  // namespace

class RoundTuning final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("round-tuning")
        .title("rounds weights so that the errors of a layer's output cancel, from second moments of its input")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT |
                      HT_CAP_CALIBRATE | HT_CAP_EXECUTE | HT_CAP_THREADS)
        .after({HT_FACT_CONFIGS, HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED})
        .invalidates({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "The nearest code is the best for each weight alone, not for their sum. With H = X X^T, the second moments "
            "of what the layer multiplies, the squared error of its output is e^T H e. Weights are rounded one after "
            "the other, and what each loses is made up for by those that follow, in the proportion that H says; then "
            "single codes are moved as long as the error falls. No row ends with a larger error than the nearest codes "
            "leave. Scales stay as they are, and the stored weights lie exactly on their grid afterwards.\n"
            "\n"
            "`target: float_output` first replaces the weights by those that give the float network's output from "
            "what the quantized network feeds the layer, by ridge regression: errors of earlier layers are made up for "
            "as well.\n"
            "\n"
            "With `bias` the mean of the error is left to the bias, which is moved by it: H is taken about the mean of "
            "the input. A layer without bias gets one.\n"
            "\n"
            "Source: Frantar, Ashkboos, Hoefler, Alistarh, GPTQ, 2022; the descent is that of Behdin et al., "
            "QuantEase, "
            "2023.\n"
            "PPQ counterpart: RoundTuningPass, which trains a mask of rounding directions.");
    d.params.texts("layers", "names of the nodes to treat; empty: all", {})
        .integer("samples", "calibration samples used; 0: all", 128, 0, 1 << 24, "samples")
        .flag("sequential", "treat layer after layer, each with the earlier ones done", true)
        .choice("target", "what a layer's quantized weights are to reproduce", "weights", {"weights", "float_output"})
        .flag("bias", "let the bias take the mean of the error", true)
        .number("ridge",
                "how strongly `float_output` holds on to the weights, as a part of the mean of the moments' diagonal",
                1, 0, 1000)
        .number("damping", "added to the diagonal of the moments for rounding, as a part of its mean", 0.01, 0, 10)
        .advanced()
        .choice("order", "in which the columns are rounded: the largest moments first, or as they lie", "activation",
                {"activation", "given"})
        .advanced()
        .integer("block", "columns after which the rest is brought up to date", 128, 1, 4096)
        .advanced()
        .integer("sweeps", "of descent by single codes", 4, 0, 100)
        .advanced()
        .integer("memory", "most that the moments of one pass over the data take; a single layer may take more", 1024,
                 1, 1 << 20, "MiB")
        .advanced();
  }
  explicit RoundTuning(const sdk::Args &args)
      : names_(args.texts("layers")),
        samples_(static_cast<std::uint64_t>(args.integer("samples"))),
        sequential_(args.flag("sequential")),
        cross_(args.text("target") == "float_output"),
        bias_(args.flag("bias")),
        memory_(static_cast<std::uint64_t>(args.integer("memory")) << 20U) {
    choices_.damping = args.number("damping");
    choices_.ridge = args.number("ridge");
    choices_.fits = cross_;
    choices_.by_activation = args.text("order") == "activation";
    choices_.block = static_cast<std::size_t>(args.integer("block"));
    choices_.sweeps = static_cast<std::size_t>(args.integer("sweeps"));
  }

  void run(const sdk::Context &ctx) override {
    std::vector<Layer> layers = find_layers(ctx, names_, "round-tuning");
    require_samples(ctx, layers);
    if (cross_) {
      const sdk::Graph graph(ctx);
      const auto left_out = std::erase_if(layers, [&](const Layer &each) { return !adds_a_known_bias(graph, each); });
      if (left_out > 0) ctx.report("left", std::to_string(left_out) + " weights, whose layers add a computed value");
    }
    std::map<ht_handle, double> largest = magnitudes(ctx, inputs_without_grid(ctx, layers), true);
    if (cross_) {
      std::vector<ht_handle> outputs;
      for (const Layer &layer : layers) outputs.push_back(layer.output);
      for (const auto &[value, magnitude] : magnitudes(ctx, outputs, false)) largest[value] = magnitude;
    }
    double left = 0;
    for (const std::vector<const Layer *> &part : schedule(layers, sequential_, cross_, memory_)) {
      MomentsRequest request;
      request.layers = part;
      request.cross = cross_;
      request.samples = samples_;
      request.magnitude = &largest;
      std::vector<LayerMoments> moments = gather_moments(ctx, request);
      for (std::size_t i = 0; i < part.size(); ++i) left += std::sqrt(tune(ctx, *part[i], moments[i]));
    }
    ctx.report("tuned", std::to_string(layers.size()) + " weights");
    if (layers.empty()) return;
    const double part = left / static_cast<double>(layers.size());
    ctx.report("error",
               std::to_string(std::lround(100 * part)) + " % of that of plain rounding, as a mean over layers");
  }

 private:
  // What tuning a layer needs and leaves.
  struct Task {
    const Layer &layer;
    LayerMoments &moments;
    WeightGrid grid;
    LayerBias bias;
    std::vector<double> shift;  // by which the output's means change, in units of the weight times codes of the input
    std::vector<RoundingGain> gains;
    std::size_t chunks = 0;
  };

  // The part of the squared error that is left.
  double tune(const sdk::Context &ctx, const Layer &layer, LayerMoments &moments) const {
    const sdk::Graph graph(ctx);
    const MatrixLayout &m = layer.matrix;
    Task task{layer, moments, WeightGrid(graph, sdk::Configs(ctx), layer), {},
              {},    {},      (m.outputs + kRowsOfTask - 1) / kRowsOfTask};
    if (bias_) task.bias = find_bias(graph, layer);
    const bool centred = task.bias.node != HT_NONE && moments.positions > 0;
    to_one_unit(moments, alpha_of(ctx, layer));
    if (centred) take_off_means(layer, moments);
    task.shift.resize(m.groups * m.outputs);
    task.gains.resize(m.groups * task.chunks);
    round_all(ctx, task);
    store_floats(graph, sdk::GraphEdit(ctx), layer.node, 1, task.grid.elements);
    if (centred) move_bias(ctx, task);
    RoundingGain all;
    for (const RoundingGain &gain : task.gains) all.plain += gain.plain, all.tuned += gain.tuned;
    return all.plain > 0 ? all.tuned / all.plain : 1;
  }

  // Targets in units of the weight times codes of the input.
  static void to_one_unit(LayerMoments &moments, double alpha) {
    const double unit = alpha == 0 ? 0 : moments.target.scale / moments.input.scale / alpha;
    for (double &x : moments.cross) x *= unit;
    for (double &x : moments.target_sums) x *= unit;
  }

  // Moments about the means.
  static void take_off_means(const Layer &layer, LayerMoments &moments) {
    const MatrixLayout &m = layer.matrix;
    const auto count = static_cast<double>(moments.positions);
    for (std::size_t g = 0; g < m.groups; ++g) {
      const double *sums = moments.sums.data() + g * m.columns;
      for (std::size_t c = 0; c < m.columns; ++c) {
        double *gram = moments.gram.data() + (g * m.columns + c) * m.columns;
        for (std::size_t r = c; r < m.columns; ++r) gram[r] -= sums[r] * sums[c] / count;
        if (moments.cross.empty()) continue;
        double *cross = moments.cross.data() + (g * m.columns + c) * m.outputs;
        for (std::size_t o = 0; o < m.outputs; ++o)
          cross[o] -= moments.target_sums[g * m.outputs + o] * sums[c] / count;
      }
    }
  }

  void round_all(const sdk::Context &ctx, Task &task) const {
    const MatrixLayout &m = task.layer.matrix;
    const std::uint64_t bytes = 6 * sizeof(double) * m.columns * (m.columns + kRowsOfTask);
    const auto gram_of = [&](std::uint64_t g) {
      return std::span<const double>(task.moments.gram).subspan(g * m.columns * m.columns, m.columns * m.columns);
    };
    if (m.groups == 1) {
      const SecondOrderRounding rounding(gram_of(0), m.columns, choices_);
      sdk::for_each_piece(ctx, task.chunks, bytes, [&](const sdk::Context &, std::uint32_t, std::uint64_t chunk) {
        round_rows(task, rounding, 0, static_cast<std::size_t>(chunk));
      });
      return;
    }
    sdk::for_each_piece(ctx, m.groups, bytes, [&](const sdk::Context &, std::uint32_t, std::uint64_t g) {
      const SecondOrderRounding rounding(gram_of(g), m.columns, choices_);
      for (std::size_t chunk = 0; chunk < task.chunks; ++chunk) {
        round_rows(task, rounding, static_cast<std::size_t>(g), chunk);
      }
    });
  }

  void round_rows(Task &task, const SecondOrderRounding &rounding, std::size_t g, std::size_t chunk) const {
    const MatrixLayout &m = task.layer.matrix;
    const std::size_t first = chunk * kRowsOfTask, count = std::min(kRowsOfTask, m.outputs - first);
    WeightRows rows = task.grid.rows(g, first, count);
    const std::vector<double> present = rows.values;
    if (cross_) {
      const std::size_t size = m.outputs * m.columns;
      rows.values =
          rounding.fitted(rows, std::span<const double>(task.moments.cross).subspan(g * size, size), m.outputs, first);
    }
    const std::vector<float> codes = rounding.round(rows, task.gains[g * task.chunks + chunk]);
    task.grid.put(g, first, rows, codes);
    // What the means of the output lose, from the float output where it is the target, else from the weights alone.
    for (std::size_t r = 0; r < count; ++r) {
      const std::size_t o = g * m.outputs + first + r;
      double lost = cross_ ? task.moments.target_sums[o] : 0;
      for (std::size_t c = 0; c < m.columns; ++c) {
        const std::size_t i = r * m.columns + c;
        const double weight = static_cast<double>(codes[i]) * static_cast<double>(rows.scales[i]);
        lost -= (weight - (cross_ ? 0 : present[i])) * task.moments.sums[g * m.columns + c];
      }
      task.shift[o] = lost;
    }
  }

  static void move_bias(const sdk::Context &ctx, Task &task) {
    const double unit = task.moments.input.scale / (static_cast<double>(task.moments.positions) * task.bias.factor) *
                        alpha_of(ctx, task.layer);
    std::vector<float> moved = task.bias.values;
    for (std::size_t o = 0; o < moved.size(); ++o) {
      moved[o] = static_cast<float>(static_cast<double>(moved[o]) + task.shift[o] * unit);
    }
    store_bias(ctx, task.layer, task.bias, moved);
  }

  // By what Gemm multiplies its product.
  static double alpha_of(const sdk::Context &ctx, const Layer &layer) {
    return layer.op_type == "Gemm" ? sdk::Graph(ctx).attribute_float(layer.node, "alpha", 1.0) : 1.0;
  }

  std::vector<std::string> names_;
  std::uint64_t samples_;
  bool sequential_, cross_, bias_;
  std::uint64_t memory_;
  RoundingChoices choices_;
};
HALFTONE_PASS(RoundTuning)

}  // namespace halftone::passes
