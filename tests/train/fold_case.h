// Layers with a folded normalization and what PyTorch makes of them, as tests/acceptance/gradients/fold_fixtures.py
// wrote it down, and the models that a session takes for them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/agree/net.h"
#include "tests/train/rig.h"

namespace halftone::test {

struct FoldCase {
  std::string name, op, oracle;
  bool frozen = false, relu = false;
  float step = 0, bias_step = 0;  // of the quantizers; 0: none
  Net::Attributes attributes;
  Net::Ints rows;                         // of an embedding
  std::map<std::string, Floats> tensors;  // data, before, weight, bias, gamma, beta, mean, variance
  Floats target, output;
  std::map<std::string, std::vector<float>> after;  // statistics
  std::map<std::string, std::vector<float>> gradients;
};

constexpr float kFoldEpsilon = 1e-3F, kFoldMomentum = 0.8F;

std::vector<FoldCase> fold_cases();

// Data, a product with `before`, the layer in its folded form with its configs, and Relu.
struct FoldNet {
  explicit FoldNet(const FoldCase &fold_case);
  FoldNet(const FoldNet &) = delete;
  FoldNet &operator=(const FoldNet &) = delete;
  // With the normalization taken up again, all learned. `whole_weight`: the weight that was not folded is handed over.
  TrainRequest request(bool whole_weight) const;

  FoldCase known;
  Net net;
  model::Handle before = HT_NONE, weight = HT_NONE, bias = HT_NONE, layer = HT_NONE, output = HT_NONE;
  model::Handle weight_config = HT_NONE;

 private:
  model::Handle stored(const Floats &tensor);
  model::Handle folded_layer(model::Handle x);
  Floats folded_weight() const;
  Floats folded_bias() const;
  model::Handle quantize(std::uint32_t slot, float step);
};

}  // namespace halftone::test
