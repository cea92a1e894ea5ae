// Occurrences of patterns that are one operator for the quantization.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "halftone/pattern.hpp"
#include "quantization_points.h"

namespace halftone::passes {

// The configs at both ends of a value: of the slot that produces it and of those that read it. HT_NONE for an end
// without one.
std::vector<ht_handle> ends_of(const QuantizationPoints &points, ht_handle value);

// What became of a list of patterns.
struct PatternFusion {
  struct Count {
    std::size_t found = 0, fused = 0;
    std::string hindrance;  // what kept the first that is not fused: "Erf 'erf' is in float"
    void leave(std::string why) {
      if (hindrance.empty()) hindrance = std::move(why);
    }
  };
  std::vector<Count> counts;               // one for each pattern
  std::unordered_set<ht_handle> absorbed;  // nodes before the roots: they compute nothing that is quantized any more
};

// Quantization points inside an occurrence become one with the root's output. Where the root or an inner value is in
// float, or the root has several outputs, nothing is changed: the device cannot run it as one quantized operator.
PatternFusion fuse_patterns(const sdk::Context &ctx, const QuantizationPoints &points,
                            std::span<const std::string> patterns);

// For the report: "pattern 'y = Relu(Add(_, _))'" and "2 places", the text on one line.
void report_patterns(const sdk::Context &ctx, std::span<const std::string> patterns, const PatternFusion &fusion);

}  // namespace halftone::passes
