#include "reconstruction.h"
#include "rounding_parameters.h"

namespace halftone::passes {

class Adaround final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("adaround")
        .title("learns for each weight whether it is rounded up or down, block by block")
        .capabilities(kReconstructionCapabilities)
        .after({HT_FACT_CONFIGS, HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED})
        .needs({HT_TRAINING_1})
        .invalidates({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "Each weight lies between two codes. What part of the way it goes is learned, so that the block's output "
            "comes close to that of the float network, and a term whose exponent falls while training makes every part "
            "end as 0 or 1. The weights that are stored then lie exactly on their codes. With `is_scale_trainable` "
            "the scales of activations are learned beside them. A block whose error on all samples has not fallen is "
            "put back as it was.\n"
            "\n"
            "`block_size: 0` rounds layer by layer, as the paper does.\n"
            "\n"
            "Source: Nagel, Amjad, van Baalen, Louizos, Blankevoort, Up or Down? Adaptive Rounding for Post-Training "
            "Quantization, 2020.\n"
            "PPQ counterpart: AdaroundPass (there the term is always 0, and rounding is never decided).");
    describe_rounding(d, 1000, 0.01);
    d.params.number("gamma", "factor of `regularization`", 1, 0, 1e6)
        .integer("block_size", "operators on the longest path of a block, less one", 4, 0, 1000)
        .flag("is_scale_trainable", "train the scales of activations too", false)
        .number("scale_lr", "learning rate of these scales", 4e-5, 0, 1);
  }
  explicit Adaround(const sdk::Args &args) {
    read_rounding(args, recipe_);
    recipe_.pass = "adaround";
    recipe_.rounding.weight *= args.number("gamma");
    recipe_.blocks.size = static_cast<unsigned>(args.integer("block_size"));
    recipe_.learns_activation_scales = args.flag("is_scale_trainable");
    recipe_.scale_rate = args.number("scale_lr");
    recipe_.scale_schedule = RateSchedule::kCosine;
  }
  void run(const sdk::Context &ctx) override { reconstruct(ctx, recipe_); }

 private:
  Recipe recipe_;
};
HALFTONE_PASS(Adaround)

}  // namespace halftone::passes
