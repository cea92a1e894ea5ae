// Quantization configs together with the graph that they belong to.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "halftone/pass.hpp"

namespace halftone::passes {

// Everything that decides about values is equal; visibility does not.
bool same_scheme(const ht_quant_spec &a, const ht_quant_spec &b);

// Quantizes values: activated or passive.
bool is_live(std::uint32_t state);

class QuantizationPoints {
 public:
  explicit QuantizationPoints(const sdk::Context &ctx);

  // Nodes of all graphs in topological order: the main graph's first, then those of bodies.
  std::vector<ht_handle> every_node() const;
  // The value at a config's slot; HT_NONE where the slot is empty.
  ht_handle value_of(const ht_config_info &config) const;
  // An input slot that holds a stored tensor.
  bool is_parameter(const ht_config_info &config) const;
  // HT_STATE_FP32 where there is no config.
  std::uint32_t root_state(ht_handle config) const;
  ht_handle root(ht_handle config) const { return configs.info(config).root; }
  // The config whose scale is read in the end, by way of roots and masters.
  ht_handle source(ht_handle config) const;
  // A fusion gives the scale that the config reads, so that it must last.
  bool is_pinned(ht_handle config) const;
  // The config of the slot that produces a value; HT_NONE for inputs, initializers and float producers.
  ht_handle producer_config(ht_handle value) const;
  // "output of Relu 'relu1'"
  std::string describe(ht_handle config) const;

  // One quantization point: `child` under `by`. False, and nothing changed, when either is missing or never quantized,
  // or when they are one point already, or when a fusion gives the child a scale that must last.
  bool join(ht_handle child, ht_handle by, std::string_view reason) const;

  sdk::Graph graph;
  sdk::Configs configs;

 private:
  std::unordered_set<ht_handle> pinned_;  // whose scale a fusion gives
};

}  // namespace halftone::passes
