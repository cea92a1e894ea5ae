// Gradients of NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss by the scores. The class weights are constant, as
// PyTorch has them.
#include <cmath>
#include <optional>
#include <string>

#include "sums.h"

namespace halftone::gradients {
namespace {

template <bool kSoftmax>
class LossGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = kSoftmax ? sdk::slots(0, 1, 2) : sdk::slots(1, 2),
                                            .differentiates = sdk::slots(0)};
  explicit LossGradient(const sdk::OpNode &node) : reduction_(node.text("reduction", "mean")) {
    if (node.attribute("ignore_index")) ignored_ = node.integer("ignore_index", 0);
  }
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const ShapeSpan shape = pass.input_shape(0);
    const Rows rows(shape, 1);
    const Shape targets = integers_of(pass.input(1));
    const auto weights = pass.has_input(2) ? pass.x(2) : std::span<const float>();
    const auto weight = [&](std::size_t r) {
      if (ignored_ && targets[r] == *ignored_) return 0.0;
      if (targets[r] < 0 || targets[r] >= rows.length) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "target " + std::to_string(targets[r]) + " is no class");
      }
      return weights.empty() ? 1.0 : static_cast<double>(weights[static_cast<std::size_t>(targets[r])]);
    };
    double total = 0;
    for (std::size_t r = 0; r < targets.size(); ++r) total += weight(r);
    for (std::int64_t r = 0; r < rows.count; ++r) {
      const auto k = static_cast<std::size_t>(r);
      double given = pass.arrives(0) ? static_cast<double>(pass.dy()[reduction_ == "none" ? k : 0]) : 0.0;
      if (reduction_ == "mean") given /= total;
      row(pass, rows, r, targets[k], given * weight(k));
    }
  }

 private:
  // `given` flows into minus the logarithm of the target's probability, and what arrives at the second output into all.
  void row(const sdk::Backward &pass, const Rows &rows, std::int64_t r, std::int64_t target, double given) const {
    const auto at = [&](std::int64_t c) { return static_cast<std::size_t>(rows.start(r) + c * rows.inner); };
    std::vector<double> logs(static_cast<std::size_t>(rows.length), 0.0), flow = logs;
    double sum = 0;
    for (std::int64_t c = 0; c < rows.length; ++c) {
      double &out = flow[static_cast<std::size_t>(c)];
      out = c == target ? -given : 0.0;
      if (kSoftmax && pass.arrives(1)) out += static_cast<double>(pass.dy(1)[at(c)]);
      sum += out;
    }
    if (kSoftmax) take_logs(pass, at, logs);
    for (std::int64_t c = 0; c < rows.length; ++c) {
      const auto k = static_cast<std::size_t>(c);
      pass.dx()[at(c)] = static_cast<float>(kSoftmax ? flow[k] - std::exp(logs[k]) * sum : flow[k]);
    }
  }
  template <typename At>
  static void take_logs(const sdk::Backward &pass, At at, std::vector<double> &logs) {
    const auto x = pass.x();
    double top = static_cast<double>(x[at(0)]), sum = 0;
    for (std::size_t c = 0; c < logs.size(); ++c) {
      logs[c] = static_cast<double>(x[at(static_cast<std::int64_t>(c))]);
      top = std::max(top, logs[c]);
    }
    for (const double v : logs) sum += std::exp(v - top);
    for (double &v : logs) v -= top + std::log(sum);
  }
  std::string reduction_;
  std::optional<std::int64_t> ignored_;
};
using NegativeLogLikelihoodLoss = LossGradient<false>;
using SoftmaxCrossEntropyLoss = LossGradient<true>;

}  // namespace
HALFTONE_OP_GRADIENT(NegativeLogLikelihoodLoss, "NegativeLogLikelihoodLoss", 12, kNewest)
HALFTONE_OP_GRADIENT(SoftmaxCrossEntropyLoss, "SoftmaxCrossEntropyLoss", 12, kNewest)
}  // namespace halftone::gradients
