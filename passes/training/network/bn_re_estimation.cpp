#include <algorithm>
#include <cstdio>
#include <string>

#include "../batch_order.h"
#include "../block_state.h"
#include "folded_layers.h"
#include "halftone/memory_share.hpp"
#include "learning_plan.h"
#include "network_score.h"
#include "network_training.h"

namespace halftone::passes {
namespace {

class ReEstimation {
 public:
  ReEstimation(const sdk::Context &ctx, const NetworkRecipe &recipe)
      : ctx_(ctx),
        recipe_(recipe),
        trainer_(ctx),
        part_(find_network_part(sdk::Graph(ctx), {}, false)),
        layers_(ctx, part_),
        data_(ctx, part_, {recipe.samples, sdk::allowed_memory(ctx, recipe.memory)}),
        losses_(ctx, part_, data_, recipe),
        form_(batch_form(part_, data_, recipe.batch)),
        scorer_(part_, data_, losses_, all_samples(data_.samples()), form_.samples) {}

  void run() {
    if (layers_.empty()) return ctx_.report("estimated", "nothing: no layer has a normalization folded into it");
    const NetworkScore before = plain_score();
    sdk::TrainingSetup setup;
    fill_frame(setup);
    layers_.declare(setup, true);
    const sdk::TrainingSession session(ctx_, trainer_, setup);
    estimate(session);
    LearningPlan plan;
    plan.learned = layers_.values();
    const BlockState old(ctx_, plan.touched());
    write_network(ctx_, session, plan, "");
    const NetworkScore after = plain_score();
    char change[64];
    (void)std::snprintf(change, sizeof(change), "%.4g -> %.4g", before.noise, after.noise);
    ctx_.report("noise/signal", change);
    if (after.noise < before.noise) {
      layers_.note(ctx_, session, false);
      return ctx_.report("estimated", std::to_string(layers_.count()) + " normalizations");
    }
    old.put_back(ctx_);
    ctx_.report("taken back", "the network did not come closer to the float network");
  }

 private:
  static std::vector<std::uint64_t> all_samples(std::uint64_t count) {
    std::vector<std::uint64_t> all(count);
    for (std::uint64_t i = 0; i < count; ++i) all[i] = i;
    return all;
  }

  void fill_frame(sdk::TrainingSetup &setup) const {
    setup.inputs = part_.inputs;
    setup.outputs = part_.outputs;
    setup.memory = sdk::training_memory(ctx_);
    setup.shards = form_.shards;
    losses_.declare(setup);
  }

  NetworkScore plain_score() {
    sdk::TrainingSetup setup;
    fill_frame(setup);
    const sdk::TrainingSession session(ctx_, trainer_, setup);
    return scorer_.score(ctx_, session);
  }

  // The mean over batches of what each of them has.
  void estimate(const sdk::TrainingSession &session) {
    BatchOrder order(data_.classes(), form_.samples, recipe_.seed);
    NetworkBatch rows(losses_, data_);
    const std::uint64_t batches = std::max<std::uint64_t>(data_.samples() / form_.samples, 1);
    sdk::TrainingBatch batch;
    batch.soft = true;
    for (std::uint64_t i = 0; i < batches; ++i) {
      ctx_.poll(i, batches);
      rows.fill(order.next(), batch);
      batch.step = i;
      batch.statistics_batch = static_cast<std::uint32_t>(i + 1);
      (void)session.evaluate(ctx_, batch);
    }
  }

  const sdk::Context &ctx_;
  const NetworkRecipe &recipe_;
  const sdk::Trainer trainer_;
  const NetworkPart part_;
  const FoldedLayers layers_;
  const NetworkData data_;
  const NetworkLosses losses_;
  const BatchForm form_;
  NetworkScorer scorer_;
};

}  // namespace

class BnReEstimation final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("bn-re-estimation")
        .title("estimates the statistics of folded normalizations again, with the quantized network")
        .capabilities(kReEstimationCapabilities)
        .after({HT_FACT_CONFIGS, HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED})
        .needs({HT_TRAINING_1})
        .invalidates({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "Rounding moves what arrives at a normalization. Each one that fold-batch-norm folded into a layer takes "
            "mean "
            "and variance of the quantized network's batches, as a mean over all of them, and is folded into weight "
            "and bias again. Scales stay: they belong to the codes that were calibrated or learned. What does not "
            "bring "
            "the network closer to the float network is taken back.\n"
            "\n"
            "Source: Nagel, Fournarakis, "
            "Bondarenko, Blankevoort, Overcoming Oscillations in Quantization-Aware Training, 2022, section 4.1.\n"
            "PPQ counterpart: none.");
    d.params.integer("batch", "samples that statistics are taken of at once", 32, 1, 65536, "samples")
        .integer("samples", "calibration samples used; 0: all", 0, 0, 1 << 24, "samples")
        .integer("seed", "of the order of samples", 0, 0, INT64_MAX)
        .integer("memory", "most that samples take in memory; the rest goes to a temporary file", 1024, 1, 1 << 20,
                 "MiB")
        .advanced();
  }
  explicit BnReEstimation(const sdk::Args &args) {
    recipe_.batch = static_cast<std::uint64_t>(args.integer("batch"));
    recipe_.samples = static_cast<std::uint64_t>(args.integer("samples"));
    recipe_.seed = static_cast<std::uint64_t>(args.integer("seed"));
    recipe_.memory = static_cast<std::uint64_t>(args.integer("memory")) << 20U;
  }
  void run(const sdk::Context &ctx) override {
    refuse_baked(ctx, "bn-re-estimation");
    ReEstimation(ctx, recipe_).run();
  }

 private:
  static constexpr std::uint64_t kReEstimationCapabilities =
      HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT | HT_CAP_EXECUTE | HT_CAP_THREADS;
  NetworkRecipe recipe_;
};
HALFTONE_PASS(BnReEstimation)

}  // namespace halftone::passes
