// What a pass that trains blocks asks of the engine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "block_finder.h"
#include "halftone/trainer.h"
#include "schedules.h"

namespace halftone::passes {

struct Recipe {
  std::string pass;                 // its id, for messages
  std::vector<std::string> layers;  // names of nodes, `*` for any text; empty: all blocks
  BlockRule blocks;

  bool learns_weights = false;   // their values, and those of stored operands
  bool learns_rounding = false;  // of weights, AdaRound's
  bool learns_biases = false;    // and other stored operands
  bool learns_weight_scales = false;
  bool learns_activation_scales = false;

  std::uint64_t steps = 500, batch = 32, seed = 0, samples = 0, memory = 0;
  std::uint32_t loss = HT_LOSS_MSE;
  double exponent = 2;  // of HT_LOSS_POWER, and of the error that blocks are judged by
  double rate = 1e-3;   // of weights and biases
  double scale_rate = 1e-3, rounding_rate = 1e-3;
  RateSchedule schedule = RateSchedule::kConstant;
  RateSchedule scale_schedule = RateSchedule::kConstant;
  RoundingAnneal rounding;
  double quantization_weight = 0;  // of the error of weights alone
  bool sgd = false;                // instead of Adam

  double keep = 1;  // probability that an element of an activation is quantized (QDrop)
  double mix = 1;   // probability that an element of a block's input is the quantized network's
};

}  // namespace halftone::passes
