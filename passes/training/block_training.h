// The steps of training one block.
#pragma once

#include <cstdint>
#include <functional>

#include "block_data.h"
#include "halftone/training.hpp"
#include "learnables.h"
#include "recipe.h"

namespace halftone::passes {

// Opens a session on the block, trains it on the kept data and writes what it learned into the model. `number` of the
// block, for random numbers; `poll` is called at every step. False, with nothing changed, where the samples cannot make
// batches (entries and exit whose first axes differ).
bool train_block(const sdk::Context &ctx, const sdk::Trainer &trainer, const FlowGraph &flow, const Block &block,
                 const Learnables &learnables, const BlockData &data, const Recipe &recipe, std::uint64_t number,
                 const std::function<void(std::uint64_t step)> &poll);

}  // namespace halftone::passes
