// Parameters that the passes which learn rounding share.
#pragma once

#include "halftone/pass.hpp"
#include "recipe.h"
#include "spill_file.h"

namespace halftone::passes {

inline void describe_rounding(sdk::Description &d, std::int64_t steps, double weight) {
  d.params.texts("layers", "names of nodes, `*` for any text: blocks that hold one are trained; empty: all", {})
      .integer("steps", "optimizer steps of each block", steps, 1, 1000000)
      .number("lr", "learning rate of rounding", 5e-3, 0, 1)
      .number("regularization", "weight of the term that makes rounding decide", weight, 0, 1e6)
      .number("warm_up", "part of the steps before that term counts", 0.2, 0, 1)
      .number("beta_start", "exponent of that term when it begins", 20, 1, 100)
      .number("beta_end", "and at the last step", 2, 1, 100)
      .flag("biases", "train biases and stored operands of Add, Sub, Mul and Div too", true)
      .number("bias_lr", "learning rate of biases", 1e-4, 0, 1)
      .advanced()
      .integer("batch", "samples of each step", 16, 1, 65536, "samples")
      .integer("samples", "calibration samples used; 0: all", 0, 0, 1 << 24, "samples")
      .integer("seed", "of the order of samples and all that is random", 0, 0, INT64_MAX)
      .integer("memory", "most that the data of blocks takes in memory; the rest goes to a temporary file", 1024, 1,
               1 << 20, "MiB")
      .advanced();
}

inline void read_rounding(const sdk::Args &args, Recipe &recipe) {
  require_spill_folder();
  recipe.layers = args.texts("layers");
  recipe.steps = static_cast<std::uint64_t>(args.integer("steps"));
  recipe.rounding_rate = args.number("lr");
  recipe.rounding = {args.number("regularization"), args.number("warm_up"), args.number("beta_start"),
                     args.number("beta_end")};
  recipe.learns_rounding = true;
  recipe.learns_biases = args.flag("biases");
  recipe.rate = args.number("bias_lr");
  recipe.loss = HT_LOSS_POWER;
  recipe.batch = static_cast<std::uint64_t>(args.integer("batch"));
  recipe.samples = static_cast<std::uint64_t>(args.integer("samples"));
  recipe.seed = static_cast<std::uint64_t>(args.integer("seed"));
  recipe.memory = static_cast<std::uint64_t>(args.integer("memory")) << 20U;
}

// Behind those above, of passes that learn rounding and the scales of activations of whole blocks or layers.
inline void describe_blocks(sdk::Description &d) {
  d.params
      .integer("block_size", "operators on the longest path of a block, less one; branches may be longer", 5, 0, 1000)
      .choice("granularity", "whole blocks, or single layers with the activation behind them", "block",
              {"block", "layer"})
      .number("exponent", "of the difference in the loss", 2, 0.5, 8)
      .number("scale_lr", "learning rate of the scales of activations at the first step; 0: they stay", 4e-5, 0, 1);
}

inline void read_blocks(const sdk::Args &args, Recipe &recipe) {
  recipe.blocks.size = static_cast<unsigned>(args.integer("block_size"));
  if (args.text("granularity") == "layer") recipe.blocks = {1, 1};
  recipe.exponent = args.number("exponent");
  recipe.scale_rate = args.number("scale_lr");
  recipe.learns_activation_scales = recipe.scale_rate > 0;
  recipe.scale_schedule = RateSchedule::kCosine;
}

}  // namespace halftone::passes
