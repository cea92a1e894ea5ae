#include "reconstruction.h"
#include "rounding_parameters.h"

namespace halftone::passes {

class BlockwiseReconstruction final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("blockwise-reconstruction")
        .title("learns rounding of weights and scales of activations, block by block (BRECQ)")
        .capabilities(kReconstructionCapabilities)
        .after({HT_FACT_CONFIGS, HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED})
        .needs({HT_TRAINING_1})
        .invalidates({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "The network is cut where few values pass: residual blocks, fire modules, halves of a transformer's layer. "
            "The rounding of a block's weights is learned as by adaround, and the scales of its activations with a "
            "learning rate that falls to nothing, so that the block's output comes close to that of the float network: "
            "the loss is the mean over positions of the sum over channels of |difference|^exponent. A block whose "
            "error on all samples has not fallen is put back as it was.\n"
            "\n"
            "Source: Li, Gong, Tan, Yang, Hu, Zhang, Yu, Wang, Gu, BRECQ: Pushing the Limit of Post-Training "
            "Quantization by Block Reconstruction, 2021, without its Fisher weights.\n"
            "MQBench counterpart: ptq_reconstruction with `prob: 1`.");
    describe_rounding(d, 1000, 0.01);
    describe_blocks(d);
  }
  explicit BlockwiseReconstruction(const sdk::Args &args) {
    read_rounding(args, recipe_);
    recipe_.pass = "blockwise-reconstruction";
    read_blocks(args, recipe_);
  }
  void run(const sdk::Context &ctx) override { reconstruct(ctx, recipe_); }

 private:
  Recipe recipe_;
};
HALFTONE_PASS(BlockwiseReconstruction)

}  // namespace halftone::passes
