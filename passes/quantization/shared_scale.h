// One scale for several tensors: what it must be, and how configs come to share it.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "quantization_points.h"

namespace halftone::passes {

// What a per-tensor quantizer represents.
struct Codes {
  float scale = 1;
  std::int32_t zero_point = 0;
  friend bool operator==(const Codes &, const Codes &) = default;
};

struct CodeRange {
  double low = 0, high = 0;
};
// From the least to the greatest value that can be represented; for a symmetric scheme with one code more below zero,
// `full` counts that code too.
CodeRange range_of(const ht_quant_spec &spec, const Codes &codes, bool full);

// The codes for all tensors, which have the same scheme. One that covers the others is taken as it is, so that aligning
// does not inflate it; otherwise `from_range` makes codes for the union. `full` always goes by the union of full
// ranges.
Codes shared_codes(const ht_quant_spec &spec, std::span<const Codes> tensors, bool full,
                   const std::function<Codes(CodeRange)> &from_range);

// Moves configs to a common scale without touching others that read the same values.
class ScaleSharing {
 public:
  // `force`: what else reads an aligned value follows, so that it has one scale everywhere.
  // `one_hop`: of an operator that moves data unchanged only the output follows, and its input keeps its scale.
  ScaleSharing(const QuantizationPoints &points, bool force, bool one_hop);

  // The input slot's config becomes its own point with these codes. What produces its value follows where it may.
  void lead(ht_handle input, const Codes &codes, std::string_view reason);
  // The input slot's config takes the scale of `master`; so does what produces its value, where it may.
  void follow(ht_handle input, ht_handle master, std::string_view reason);

 private:
  // The config to move so that the producer of this input's value has the new scale too; HT_NONE when it must keep its
  // own.
  ht_handle producer_to_move(ht_handle input);
  ht_handle found_upstream(ht_handle input);
  // Nothing but this input, and what is fused on the way to it, reads the values of the tree.
  bool is_private(ht_handle root, ht_handle input) const;
  // Makes an input slot's config independent; configs that read its scale keep the scale they have.
  void detach(ht_handle input);
  std::vector<ht_handle> members(ht_handle root) const;

  const QuantizationPoints &points_;
  bool force_, one_hop_;
  std::unordered_map<ht_handle, std::vector<ht_handle>> trees_;   // by root; may hold configs that have left since
  std::unordered_map<ht_handle, std::vector<ht_handle>> slaves_;  // by master, likewise
};

}  // namespace halftone::passes
