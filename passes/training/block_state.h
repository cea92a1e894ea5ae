// What training may change of a block, to be put back if it did not help, and what it learned written into the model.
#pragma once

#include <vector>

#include "halftone/training.hpp"
#include "learnables.h"
#include "recipe.h"

namespace halftone::passes {

class BlockState {
 public:
  BlockState(const sdk::Context &ctx, const Learnables &learnables);
  void put_back(const sdk::Context &ctx) const;

 private:
  struct Tensor {
    ht_handle value;
    sdk::HeldTensor held;
  };
  struct Scales {
    ht_handle config;
    std::vector<float> scales;
    std::vector<std::int32_t> zero_points;
  };
  std::vector<Tensor> tensors_;
  std::vector<Scales> scales_;
};

// Edits weights and scales of the model to what the session holds.
void write_learned(const sdk::Context &ctx, const sdk::TrainingSession &session, const Learnables &learnables,
                   const Recipe &recipe);

// For each element of a tensor of this shape the number of its scale. `count` scales; see ht_quant_spec.
std::vector<std::size_t> scale_of_elements(const ht_quant_spec &spec, std::span<const std::int64_t> shape);

// AdaRound decided: floor(w / s) or one more, by the sign of what was learned; the value lies exactly on its code, so
// that plain quantization gives it back.
std::vector<float> hard_rounded(std::span<const float> weight, std::span<const float> rounding,
                                const ht_config_info &config, std::span<const std::int64_t> shape);

}  // namespace halftone::passes
