// Taking single operators out of quantization after their scales have been found, and back.
#pragma once

#include <vector>

#include "halftone/config.hpp"
#include "halftone/pass.hpp"

namespace halftone::passes {

// One change of configs that can be undone as a whole.
class ConfigMove {
 public:
  explicit ConfigMove(const sdk::Context &ctx);

  // Inputs, weights and bias of the node in float. Other readers of its inputs quantize them as before, each for
  // itself; a value that only operators in float read is no longer quantized where it is made, and what the node makes
  // is not where nobody quantized reads it. Throws Failure for a parameter that is stored in quantized form already.
  void to_float(ht_handle node);
  // Its integer weights with so many bits, their scales found anew by their observer. False, and nothing changed, when
  // they have as many.
  bool widen_weights(ht_handle node, std::uint32_t bits);
  // Slots of other operators, and outputs of the node, that are no longer quantized either.
  struct Slot {
    ht_handle node = HT_NONE;
    std::uint32_t direction = HT_SLOT_INPUT, slot = 0;
  };
  const std::vector<Slot> &freed() const { return freed_; }
  // All configs as they were.
  void undo();

 private:
  struct Saved {
    ht_handle config = HT_NONE;
    ht_config_info info{};
    std::vector<float> scales;
    std::vector<std::int32_t> zero_points;
  };
  Saved snapshot(ht_handle config) const;
  void save(ht_handle config);
  void make_float(ht_handle config);
  void drop(ht_handle config);
  void detach(ht_handle config, const Saved &from);
  void free_value(ht_handle value);
  std::vector<ht_handle> covered_before(ht_handle config) const;
  void restore(const Saved &saved) const;

  const sdk::Context &ctx_;
  sdk::Graph graph_;
  sdk::Configs configs_;
  std::vector<Saved> saved_;
  std::vector<Slot> freed_;
};

}  // namespace halftone::passes
