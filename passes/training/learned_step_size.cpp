#include "reconstruction.h"
#include "spill_file.h"

namespace halftone::passes {

class LearnedStepSize final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("learned-step-size")
        .title("trains weights, biases and scales block by block, towards the float network")
        .capabilities(kReconstructionCapabilities)
        .after({HT_FACT_CONFIGS, HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED})
        .needs({HT_TRAINING_1})
        .invalidates({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "The network is cut into blocks of a few operators. Each is trained on what the quantized network before "
            "it gives, so that its output comes close to that of the float network: its weights, its biases, stored "
            "operands of Add, Sub, Mul and Div, and the scales of weights and activations, whose gradient is that of "
            "the rounded value with respect to its step. A scale that something outside the block shares, one that is "
            "a power of two and zero points stay. A block whose error on all samples has not fallen is put back as it "
            "was.\n"
            "\n"
            "Source: Esser, McKinstry, Bablani, Appuswamy, Modha, Learned Step Size Quantization, 2020.\n"
            "PPQ counterpart: LearnedStepSizePass (there `is_scale_trainable` has no effect, and the gradients of "
            "scales differ between its devices).");
    d.params.texts("layers", "names of nodes, `*` for any text: blocks that hold one are trained; empty: all", {})
        .integer("steps", "optimizer steps of each block", 500, 1, 1000000)
        .number("lr", "learning rate of weights and biases", 5e-5, 0, 1)
        .number("scale_lr", "learning rate of scales; 0: that of weights", 0, 0, 1)
        .number("gamma", "weight of the error of quantized weights alone, added to the loss", 0, 0, 1e6)
        .flag("is_scale_trainable", "train scales too", true)
        .integer("block_size", "operators on the longest path of a block, less one", 5, 0, 1000)
        .choice("optimizer", "what makes steps of gradients", "adam", {"adam", "sgd"})
        .choice("schedule", "of the learning rates over the steps", "cosine", {"constant", "step", "cosine"})
        .integer("batch", "samples of each step", 8, 1, 65536, "samples")
        .integer("samples", "calibration samples used; 0: all", 0, 0, 1 << 24, "samples")
        .integer("seed", "of the order of samples", 0, 0, INT64_MAX)
        .integer("memory", "most that the data of blocks takes in memory; the rest goes to a temporary file", 1024, 1,
                 1 << 20, "MiB")
        .advanced();
  }
  explicit LearnedStepSize(const sdk::Args &args) {
    require_spill_folder();
    recipe_.pass = "learned-step-size";
    recipe_.layers = args.texts("layers");
    recipe_.steps = static_cast<std::uint64_t>(args.integer("steps"));
    recipe_.rate = args.number("lr");
    recipe_.scale_rate = args.number("scale_lr") > 0 ? args.number("scale_lr") : recipe_.rate;
    recipe_.quantization_weight = args.number("gamma");
    recipe_.learns_weights = recipe_.learns_biases = true;
    recipe_.learns_weight_scales = recipe_.learns_activation_scales = args.flag("is_scale_trainable");
    recipe_.blocks.size = static_cast<unsigned>(args.integer("block_size"));
    recipe_.sgd = args.text("optimizer") == "sgd";
    recipe_.schedule = recipe_.scale_schedule = schedule_named(args.text("schedule"));
    recipe_.batch = static_cast<std::uint64_t>(args.integer("batch"));
    recipe_.samples = static_cast<std::uint64_t>(args.integer("samples"));
    recipe_.seed = static_cast<std::uint64_t>(args.integer("seed"));
    recipe_.memory = static_cast<std::uint64_t>(args.integer("memory")) << 20U;
  }
  void run(const sdk::Context &ctx) override { reconstruct(ctx, recipe_); }

 private:
  Recipe recipe_;
};
HALFTONE_PASS(LearnedStepSize)

}  // namespace halftone::passes
