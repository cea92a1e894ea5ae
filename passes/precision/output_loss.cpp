#include "output_loss.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "halftone/status.hpp"

namespace halftone::passes {
namespace {

constexpr double kTiny = 1e-7;
// Below any probability that float32 tells from 0; keeps the logarithm finite.
constexpr double kLeastProbability = 1e-12;

double squared_distance(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += d * d;
  }
  return sum;
}

// Rows of scores along one axis.
struct Rows {
  std::size_t outer = 1, extent = 1, inner = 1;
};

Rows rows_along(std::span<const std::int64_t> shape, std::int64_t axis) {
  const auto rank = static_cast<std::int64_t>(shape.size());
  const std::int64_t at = axis < 0 ? axis + rank : axis;
  if (at < 0 || at >= rank) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "kl compares classes along axis " + std::to_string(axis) +
                                                ", and an output has rank " + std::to_string(rank));
  }
  Rows rows;
  for (std::int64_t k = 0; k < rank; ++k) {
    std::size_t &of = k < at ? rows.outer : k == at ? rows.extent : rows.inner;
    of *= static_cast<std::size_t>(shape[static_cast<std::size_t>(k)]);
  }
  return rows;
}

// ln of the probabilities of one row.
void log_probabilities(const float *row, std::size_t extent, std::size_t step, bool ready, std::vector<double> &out) {
  out.resize(extent);
  double most = -HUGE_VAL, sum = 0;
  for (std::size_t c = 0; c < extent; ++c) {
    out[c] = static_cast<double>(row[c * step]);
    most = std::max(most, out[c]);
  }
  if (ready) {
    for (double &p : out) p = std::log(std::max(p, kLeastProbability));
    return;
  }
  for (const double x : out) sum += std::exp(x - most);
  const double away = most + std::log(sum);
  for (double &x : out) x -= away;
}

double divergence(const Output &floats, const Output &quantized, const LossOptions &options) {
  const Rows rows = rows_along(floats.shape, options.axis);
  std::vector<double> p, r;
  double sum = 0;
  for (std::size_t o = 0; o < rows.outer; ++o) {
    for (std::size_t i = 0; i < rows.inner; ++i) {
      const std::size_t at = o * rows.extent * rows.inner + i;
      log_probabilities(floats.values.data() + at, rows.extent, rows.inner, options.probabilities, p);
      log_probabilities(quantized.values.data() + at, rows.extent, rows.inner, options.probabilities, r);
      for (std::size_t c = 0; c < rows.extent; ++c) sum += std::exp(p[c]) * (p[c] - r[c]);
    }
  }
  return sum / static_cast<double>(std::max<std::size_t>(rows.outer * rows.inner, 1));
}

std::size_t class_of(const Output &scores, const LossOptions &options) {
  const auto longer =
      std::count_if(scores.shape.begin(), scores.shape.end(), [](std::int64_t extent) { return extent > 1; });
  if (longer != 1) {
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       "the first output has not one score for each class, so that classes cannot be compared; take "
                       "the loss `noise`");
  }
  if (!options.label) return 0;
  if (*options.label < 0 || static_cast<std::size_t>(*options.label) >= scores.values.size()) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "label " + std::to_string(*options.label) +
                                                " is no class of the model, which has " +
                                                std::to_string(scores.values.size()));
  }
  return static_cast<std::size_t>(*options.label);
}

double top1_lost(const Output &floats, const Output &quantized, const LossOptions &options) {
  const std::size_t label = class_of(floats, options);
  const std::size_t before = winner(floats.values), after = winner(quantized.values);
  if (!options.label) return before == after ? 0 : 1;
  return (before == label ? 1 : 0) - (after == label ? 1 : 0);
}

double entropy_gained(const Output &floats, const Output &quantized, const LossOptions &options) {
  if (!options.label) throw sdk::Failure(HT_INVALID_ARGUMENT, "cross-entropy needs a label for each sample");
  const std::size_t label = class_of(floats, options);
  std::vector<double> before, after;
  log_probabilities(floats.values.data(), floats.values.size(), 1, options.probabilities, before);
  log_probabilities(quantized.values.data(), quantized.values.size(), 1, options.probabilities, after);
  return before[label] - after[label];
}

}  // namespace

Loss loss_of(std::string_view name) {
  if (name == "mse") return Loss::kMse;
  if (name == "kl") return Loss::kKl;
  if (name == "top1") return Loss::kTop1;
  if (name == "cross-entropy") return Loss::kCrossEntropy;
  return Loss::kNoise;
}

bool is_of_classes(Loss loss) {
  return loss == Loss::kTop1 || loss == Loss::kCrossEntropy;
}

std::size_t winner(std::span<const float> scores) {
  return static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

double loss_between(const Output &floats, const Output &quantized, const LossOptions &options) {
  if (floats.values.size() != quantized.values.size()) {
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "an output of the quantized model has another shape than that of the float model, so that no "
                       "error can be measured there; measure at values before it (`at`)");
  }
  if (floats.values.empty()) return 0;
  switch (options.loss) {
    case Loss::kMse:
      return squared_distance(quantized.values, floats.values) / static_cast<double>(floats.values.size());
    case Loss::kKl:
      return divergence(floats, quantized, options);
    case Loss::kTop1:
      return top1_lost(floats, quantized, options);
    case Loss::kCrossEntropy:
      return entropy_gained(floats, quantized, options);
    case Loss::kNoise:
      break;
  }
  double signal = 0;
  for (const float x : floats.values) signal += static_cast<double>(x) * static_cast<double>(x);
  return squared_distance(quantized.values, floats.values) / (signal + kTiny);
}

}  // namespace halftone::passes
