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

// Of passes that have `block_size` and `granularity`.
inline BlockRule block_rule(const sdk::Args &args) {
  BlockRule rule;
  rule.size = static_cast<unsigned>(args.integer("block_size"));
  if (args.text("granularity") == "layer") rule = {1, 1};
  return rule;
}

}  // namespace halftone::passes
