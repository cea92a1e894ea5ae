// What of a block can be learned: weights, biases and other stored operands, and scales.
#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "block_finder.h"
#include "halftone/config.hpp"
#include "halftone/graph.hpp"

namespace halftone::passes {

// Whether a config of this state quantizes.
constexpr bool is_live(std::uint32_t state) {
  return state == HT_STATE_ACTIVATED || state == HT_STATE_PASSIVE;
}

// A stored tensor that nodes of the block alone read.
struct StoredPoint {
  ht_handle value = HT_NONE;
  ht_handle config = HT_NONE;  // with a scale of its own; none: a bias, or an operand in float
};

struct Learnables {
  std::vector<StoredPoint> weights;    // with a quantizer of their own
  std::vector<StoredPoint> operands;   // biases, and stored operands of Add, Sub, Mul and Div
  std::vector<ht_handle> activations;  // configs with a scale that nothing outside the block uses
  std::vector<ht_handle>
      all_quantized;  // configs of activations that quantize in the block, whoever shares their scale
  bool empty() const { return weights.empty() && operands.empty() && activations.empty(); }
};

// Who uses the scale of each config: made once, before blocks are trained.
class ScaleUsers {
 public:
  explicit ScaleUsers(const sdk::Context &ctx);
  // The config whose scale this one reads.
  static ht_handle owner_of(const sdk::Configs &configs, const ht_config_info &info);
  // Whether live configs of these nodes alone read it, and no fusion fixes it: then it may change.
  bool only_in(ht_handle owner, const std::unordered_set<ht_handle> &nodes) const;
  // Whether one live config reads it, and no fusion fixes it: then it is made for what is quantized there.
  bool one_alone(ht_handle owner) const;

 private:
  std::unordered_map<ht_handle, std::vector<ht_handle>> nodes_;  // with live configs, by owner
};

// Whether a weight of the node is quantized with a scale of its own, so that a block may start at it.
bool has_own_weight(const sdk::Graph &graph, const sdk::Configs &configs, const sdk::Node &node);

Learnables find_learnables(const sdk::Context &ctx, const FlowGraph &flow, const Block &block, const ScaleUsers &users);

// Throws where a weight is stored in quantized form already, naming the pass.
void refuse_baked(const sdk::Context &ctx, std::string_view pass);

}  // namespace halftone::passes
