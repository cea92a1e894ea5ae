#include "reconstruction.h"
#include "rounding_parameters.h"

namespace halftone::passes {

class Qdrop final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("qdrop")
        .title("blockwise-reconstruction with quantization of activations dropped at random")
        .capabilities(kReconstructionCapabilities)
        .after({HT_FACT_CONFIGS, HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED})
        .needs({HT_TRAINING_1})
        .invalidates({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "As blockwise-reconstruction, but while learning each element of an activation is quantized with "
            "`probability` only, and each element of a block's input is taken from the quantized network with that "
            "probability, else from the float network. What is learned so holds for other data better, above all where "
            "activations have few bits. With probability 1 it is the same as blockwise-reconstruction.\n"
            "\n"
            "Source: Wei, Gong, Li, Liu, Yu, QDrop: Randomly Dropping Quantization for Extremely Low-bit Post-Training "
            "Quantization, 2022.\n"
            "MQBench counterpart: ptq_reconstruction with `prob` below 1, which is the probability to quantize there "
            "too.");
    describe_rounding(d, 1000, 0.01);
    describe_blocks(d);
    d.params.number("probability", "that an element is quantized while learning", 0.5, 0, 1);
  }
  explicit Qdrop(const sdk::Args &args) {
    read_rounding(args, recipe_);
    recipe_.pass = "qdrop";
    read_blocks(args, recipe_);
    recipe_.keep = recipe_.mix = args.number("probability");
  }
  void run(const sdk::Context &ctx) override { reconstruct(ctx, recipe_); }

 private:
  Recipe recipe_;
};
HALFTONE_PASS(Qdrop)

}  // namespace halftone::passes
