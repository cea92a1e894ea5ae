// Joins the operators of an activation function into the one operator that ONNX or ONNX Runtime has for it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "halftone/pass.hpp"
#include "halftone/pattern.hpp"

namespace halftone::passes {

struct FusedActivation {
  std::string op_type, domain;                          // domain empty for ai.onnx
  std::int64_t since = 1;                               // the operator's first opset
  std::vector<std::pair<std::string, double>> numbers;  // attributes
  std::vector<std::pair<std::string, std::string>> texts;
};

// A pattern whose name `x` is the function's argument, and what it is worth: nothing where a constant is another one.
struct ActivationForm {
  std::string pattern;
  std::function<std::optional<FusedActivation>(const sdk::Graph &, const sdk::PatternMatch &)> examine;
};

// Reports "fused", "left" and, where `raise` is off, "older".
void fuse_activations(const sdk::Context &ctx, const std::vector<ActivationForm> &forms, bool raise);

}  // namespace halftone::passes
