// What a session learned, written into the model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "halftone/training.hpp"

namespace halftone::passes {

// Replaces an initializer by as many values, in its shape.
void store_tensor(const sdk::Context &ctx, ht_handle value, const std::vector<float> &values);
// The initializer becomes what the session reads of it.
void store_learned_tensor(const sdk::Context &ctx, const sdk::TrainingSession &session, ht_handle value);
// Zero points for what a session learned, by scale: the nearest that the type has; one that nothing moved stays as it
// is, though float32 may not hold it. Throws where one is not finite. Symmetric types have none to learn.
std::vector<std::int32_t> learned_zero_points(const ht_config_info &info, const std::vector<float> &offsets);
// Scales of a config, and zero points where it has them, rounded. `rule` is what `halftone explain` says of them.
void store_learned_scales(const sdk::Context &ctx, const sdk::TrainingSession &session, ht_handle config,
                          const std::string &rule);

}  // namespace halftone::passes
