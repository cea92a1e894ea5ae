// What of a whole network is learned, and by which method of the trainer each quantization point is fake-quantized.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../learnables.h"
#include "halftone/training.hpp"
#include "network_part.h"
#include "network_recipe.h"

namespace halftone::passes {

struct LearningPlan {
  struct Point {
    ht_handle config = HT_NONE;  // with a scale of its own
    std::string method;
    std::uint32_t learns = 0;  // bits 1u << HT_LEARNED_*
    bool weight = false;
  };
  std::vector<Point> points;       // whose method is not `fixed`
  std::vector<ht_handle> learned;  // initializers
  std::vector<ht_handle> rounded;  // not learned themselves; their method stores other values
  std::size_t not_for = 0;         // points that the asked method is not for

  bool empty() const { return points.empty() && learned.empty(); }
  // All that training may change, for BlockState.
  Learnables touched() const;
};

LearningPlan plan_learning(const sdk::Context &ctx, const NetworkPart &part, const NetworkRecipe &recipe);

// Adds the plan to what a session is opened with.
void declare(const LearningPlan &plan, const NetworkRecipe &recipe, sdk::TrainingSetup &setup);

// Edits the model to what the session holds. `rule` is what `halftone explain` says of the scales.
void write_network(const sdk::Context &ctx, const sdk::TrainingSession &session, const LearningPlan &plan,
                   const std::string &rule);

}  // namespace halftone::passes
