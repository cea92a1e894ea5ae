// How much worse the model gets when the weights of an operator, and perhaps its inputs, have another width. One pass
// measures or estimates it and leaves it as a note; whoever chooses widths reads it, wherever it comes from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "halftone/graph.hpp"

namespace halftone::passes {

// The fact that the note is there.
inline constexpr const char *kSensitivityKnown = "sensitivity-known";

struct Width {
  std::uint32_t weights = 8;
  std::uint32_t activations = 0;  // 0: as the platform has it
  friend bool operator==(const Width &, const Width &) = default;
};

// "4", "4/8": weights, inputs. Throws Failure for what is neither.
Width width_of(std::string_view text);
std::string text_of(const Width &width);

struct WidthError {
  Width width;
  double error = 0;  // smaller is better; may be below zero where a metric got better
};

// Operators that read one stored weight: one of them, as a rule.
struct Sensitivity {
  std::string weight;  // the name of the stored tensor
  std::vector<std::string> nodes;
  std::uint64_t elements = 0;
  std::vector<WidthError> candidates;
};

struct SensitivityTable {
  std::string source;    // who found it, and how: "measured: noise/signal at the outputs"
  std::string observer;  // who finds the ranges of weights whose width is not the platform's; empty: each its own
  std::uint64_t samples = 0;
  std::vector<Sensitivity> operators;
};

// JSON, one operator a line; the same bytes for the same table.
std::string json_of(const SensitivityTable &table);

void note_sensitivity(const sdk::GraphEdit &edit, const SensitivityTable &table);
// Throws Failure where no pass has left one.
SensitivityTable noted_sensitivity(const sdk::Graph &graph);

}  // namespace halftone::passes
