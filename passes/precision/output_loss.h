// How far a quantized output is from the float one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace halftone::passes {

enum class Loss : std::uint8_t { kNoise, kMse, kKl, kTop1, kCrossEntropy };
Loss loss_of(std::string_view name);  // "noise", "mse", "kl", "top1", "cross-entropy"
bool is_of_classes(Loss loss);        // of the first output alone, one score for each class

struct Output {
  std::span<const float> values;
  std::span<const std::int64_t> shape;
};

struct LossOptions {
  Loss loss = Loss::kNoise;
  std::int64_t axis = -1;      // of the classes, for kl; negative: from the last
  bool probabilities = false;  // the values are that already, and need no softmax
  std::optional<std::int64_t> label;
};

// noise: sum((q - f)^2) / (sum(f^2) + 1e-7). mse: mean((q - f)^2). kl: the mean over rows of sum(p ln(p / r)), p of the
// float and r of the quantized scores. top1: with a label, 1 for a hit that was lost and -1 for one that was won;
// without, 1 where the largest score is another one. cross-entropy: that of the label, less that of the float output.
// Throws Failure for outputs that have no such loss.
double loss_between(const Output &floats, const Output &quantized, const LossOptions &options);

// The index of the largest score; of equals the first.
std::size_t winner(std::span<const float> scores);

}  // namespace halftone::passes
