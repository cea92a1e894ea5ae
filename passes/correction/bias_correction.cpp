#include <algorithm>
#include <string>

#include "expected_shift.h"
#include "implied_means.h"
#include "layer_bias.h"
#include "layer_moments.h"
#include "output_errors.h"

namespace halftone::passes {

class BiasCorrection final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("bias-correction")
        .title("moves biases so that the means of each layer's outputs are those of the float network")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT |
                      HT_CAP_CALIBRATE | HT_CAP_EXECUTE)
        .after({HT_FACT_CONFIGS, HT_FACT_PARAMETERS_QUANTIZED})
        .invalidates({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "Rounding weights and activations shifts the mean of a layer's output, and a shift is the same for every "
            "sample, so that it adds up from layer to layer. For each output channel the bias grows by the mean over "
            "calibration samples and positions of what the float network gives less what the quantized network gives. "
            "Layers are done in order, each with the earlier ones corrected; those that do not depend on each other "
            "together, in one pass over the samples. A correction is taken back when the squared error of the layer's "
            "output, behind the activation that follows, has not fallen on the samples.\n"
            "\n"
            "`mode: analytic` takes the shift that rounding the weights causes from the weights themselves and the "
            "means "
            "of the float network's values, in one pass over the data for all layers: faster, and blind to what "
            "activations lose.\n"
            "\n"
            "`mode: batch-norm` does the same without data, before calibration or without any: the means are those "
            "that "
            "a BatchNormalization before the layer implies, which fold-batch-norm keeps, through Relu, Clip, "
            "LeakyRelu, "
            "means over positions, residual sums and concatenations. Layers behind anything else are left.\n"
            "\n"
            "Conv, ConvTranspose, Gemm, and MatMul with an Add of a stored vector behind it. A convolution or Gemm "
            "without bias gets one, unless `add_bias` is false.\n"
            "\n"
            "Source: Nagel, van Baalen, Blankevoort, Welling, Data-Free Quantization Through Weight Equalization and "
            "Bias Correction, 2019, section 4.2 (`batch-norm`; `analytic` is the same with measured means) and "
            "appendix "
            "D (empirical).\n"
            "PPQ counterpart: BiasCorrectionPass (its `steps` are `samples` in batches; there they are not honoured).");
    d.params.texts("layers", "names of the nodes to treat; empty: all", {})
        .integer("samples", "calibration samples used; 0: all", 128, 0, 1 << 24, "samples")
        .choice(
            "mode",
            "from the outputs of both networks on samples, or from the weights and the means of a layer's input, as "
            "measured or as batch normalization implies them",
            "samples", {"samples", "analytic", "batch-norm"})
        .flag("add_bias", "give a bias to layers that have none", true)
        .flag("revert", "take a correction back where the layer's error has not fallen", true);
  }
  explicit BiasCorrection(const sdk::Args &args)
      : names_(args.texts("layers")),
        samples_(static_cast<std::uint64_t>(args.integer("samples"))),
        mode_(args.text("mode")),
        add_bias_(args.flag("add_bias")),
        revert_(args.flag("revert")) {}

  void run(const sdk::Context &ctx) override {
    const std::vector<Layer> layers = find_layers(ctx, names_, "bias-correction");
    Counts counts;
    if (mode_ == "batch-norm") {
      correct_by_means(ctx, layers, implied_means(ctx, layers), counts);
    } else {
      require_calibrated(ctx, layers);
      require_samples(ctx, layers);
    }
    if (mode_ == "analytic") {
      correct_by_means(ctx, layers, input_means(ctx, layers), counts);
    } else if (mode_ == "samples") {
      correct_in_order(ctx, layers, counts);
    }
    ctx.report("corrected", std::to_string(counts.corrected - counts.reverted) + " layers");
    if (counts.reverted > 0) ctx.report("taken back", std::to_string(counts.reverted) + " that did not help");
    if (counts.unknown > 0)
      ctx.report("not known", "the means of " + std::to_string(counts.unknown) + " layers' inputs");
    if (counts.without > 0) ctx.report("left", std::to_string(counts.without) + " that have no bias");
  }

 private:
  struct Work {
    const Layer *layer = nullptr;
    LayerBias bias;
    std::vector<float> old;     // the bias before
    ht_handle check = HT_NONE;  // the value by which the correction is judged
    double error = 0;           // of that value, before
  };
  struct Counts {
    std::size_t corrected = 0, reverted = 0, without = 0, unknown = 0;
  };

  // What is compared with the float network must be all of the quantized one.
  static void require_calibrated(const sdk::Context &ctx, const std::vector<Layer> &layers) {
    const sdk::Configs configs(ctx);
    for (const Layer &layer : layers) {
      if (layer.input_config == HT_NONE || configs.info(layer.input_config).state != HT_STATE_INITIAL) continue;
      throw sdk::Failure(HT_FAILED_PRECONDITION,
                         "the activations are not calibrated; put bias-correction behind runtime-calibration, or set "
                         "`mode: batch-norm`, which needs no data",
                         layer.node);
    }
  }

  void correct_by_means(const sdk::Context &ctx, const std::vector<Layer> &layers,
                        const std::vector<std::vector<double>> &means, Counts &counts) const {
    for (std::size_t i = 0; i < layers.size(); ++i) {
      if (means[i].empty()) {
        ++counts.unknown;
        continue;
      }
      std::vector<Work> work = work_of(ctx, {&layers[i]}, counts);
      if (work.empty()) continue;
      move(ctx, work.front(), expected_shift(ctx, layers[i], means[i]), counts);
    }
  }

  void correct_in_order(const sdk::Context &ctx, const std::vector<Layer> &layers, Counts &counts) const {
    std::vector<Work> before;
    for (const std::vector<const Layer *> &group : by_depth(layers)) {
      std::vector<Work> now = work_of(ctx, group, counts);
      if (now.empty()) continue;
      std::vector<ProbeError> errors = measure_errors(ctx, probes_of(now, before), samples_);
      // What was measured here is of the earlier corrections: where one is taken back, it is measured again.
      if (take_back(ctx, before, std::span(errors).subspan(2 * now.size()), counts)) {
        errors = measure_errors(ctx, probes_of(now, {}), samples_);
      }
      for (std::size_t i = 0; i < now.size(); ++i) {
        now[i].error = errors[2 * i + 1].squared;
        move(ctx, now[i], errors[2 * i].mean, counts);
      }
      before = std::move(now);
    }
    if (revert_ && !before.empty())
      take_back(ctx, before, measure_errors(ctx, probes_of({}, before), samples_), counts);
  }

  std::vector<Work> work_of(const sdk::Context &ctx, const std::vector<const Layer *> &group, Counts &counts) const {
    const sdk::Graph graph(ctx);
    std::vector<Work> list;
    for (const Layer *layer : group) {
      Work work;
      work.layer = layer;
      work.bias = find_bias(graph, *layer);
      if (work.bias.node == HT_NONE || (!work.bias.present && !add_bias_)) {
        ++counts.without;
        continue;
      }
      work.check = behind_activation(graph, work.bias.output);
      list.push_back(std::move(work));
    }
    return list;
  }

  // Output and judged value of each that is to be corrected, then the judged values of those before.
  std::vector<Probe> probes_of(const std::vector<Work> &now, const std::vector<Work> &before) const {
    std::vector<Probe> probes;
    for (const Work &work : now) {
      probes.push_back({work.bias.output, work.bias.axis});
      probes.push_back({work.check, work.bias.axis});
    }
    for (const Work &work : before) {
      if (revert_) probes.push_back({work.check, work.bias.axis});
    }
    return probes;
  }

  // `shift`: the means of the output less those that are wanted.
  static void move(const sdk::Context &ctx, Work &work, const std::vector<double> &shift, Counts &counts) {
    std::vector<float> moved = work.bias.values;
    if (shift.size() != moved.size()) {
      throw sdk::Failure(HT_FAILED_PRECONDITION, "the output has other channels than the bias", work.layer->node);
    }
    for (std::size_t c = 0; c < moved.size(); ++c) {
      moved[c] = static_cast<float>(static_cast<double>(moved[c]) - shift[c] / work.bias.factor);
    }
    work.old = work.bias.values;
    store_bias(ctx, *work.layer, work.bias, moved);
    ++counts.corrected;
  }

  bool take_back(const sdk::Context &ctx, std::vector<Work> &before, std::span<const ProbeError> errors,
                 Counts &counts) const {
    bool any = false;
    for (std::size_t i = 0; i < before.size() && revert_; ++i) {
      if (errors[i].squared <= before[i].error) continue;
      store_bias(ctx, *before[i].layer, before[i].bias, before[i].old);
      ++counts.reverted;
      any = true;
    }
    return any;
  }

  std::vector<std::string> names_;
  std::uint64_t samples_;
  std::string mode_;
  bool add_bias_, revert_;
};
HALFTONE_PASS(BiasCorrection)

}  // namespace halftone::passes
