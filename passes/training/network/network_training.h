// Trains the whole quantized network, and keeps the best of what the epochs gave if it is better than what was there.
#pragma once

#include "halftone/pass.hpp"
#include "network_recipe.h"

namespace halftone::passes {

// Capabilities that train_network() uses.
constexpr std::uint64_t kNetworkTrainingCapabilities = HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT | HT_CAP_CONFIG_READ |
                                                       HT_CAP_CONFIG_EDIT | HT_CAP_EXECUTE | HT_CAP_THREADS |
                                                       HT_CAP_FILE_WRITE;

// `pass`: its id, for messages.
void train_network(const sdk::Context &ctx, const NetworkRecipe &recipe, const std::string &pass);

}  // namespace halftone::passes
