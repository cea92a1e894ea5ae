// Random directions at the outputs: over many of them, products of their parts are the loss's second derivatives.
#include "passes/precision/output_probe.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include "halftone/trainer.h"

namespace halftone::passes {
namespace {

constexpr std::size_t kProbes = 20000;

// The mean of a_i a_j, a being the gradient of the mean squared error towards the target of a probe.
std::vector<double> mean_products(std::uint32_t kind, std::uint64_t axes, const std::vector<float> &outputs,
                                  const std::vector<std::int64_t> &shape) {
  const std::size_t n = outputs.size();
  std::vector<double> sums(n * n);
  std::vector<float> targets(n);
  for (std::size_t probe = 0; probe < kProbes; ++probe) {
    probe_outputs(kind, axes, outputs, shape, probe * 977 + 5, targets);
    std::vector<double> a;
    for (std::size_t i = 0; i < n; ++i) {
      a.push_back(2 * (static_cast<double>(outputs[i]) - static_cast<double>(targets[i])) / static_cast<double>(n));
    }
    for (std::size_t i = 0; i < n * n; ++i) sums[i] += a[i / n] * a[i % n] / kProbes;
  }
  return sums;
}

// Of the mean over positions of the divergence from the outputs' own probabilities; classes are `inner` apart.
std::vector<double> divergence_hessian(const std::vector<float> &outputs, std::size_t classes, std::size_t inner) {
  const std::size_t n = outputs.size(), positions = n / classes;
  std::vector<double> hessian(n * n), p(n);
  const auto position_of = [&](std::size_t i) { return i / (classes * inner) * inner + i % inner; };
  std::vector<double> sums(positions);
  for (std::size_t i = 0; i < n; ++i) sums[position_of(i)] += std::exp(static_cast<double>(outputs[i]));
  for (std::size_t i = 0; i < n; ++i) p[i] = std::exp(static_cast<double>(outputs[i])) / sums[position_of(i)];
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      if (position_of(i) != position_of(j)) continue;
      hessian[i * n + j] = ((i == j ? p[i] : 0) - p[i] * p[j]) / static_cast<double>(positions);
    }
  }
  return hessian;
}

void check_near(const std::vector<double> &found, const std::vector<double> &exact) {
  double most = 0;
  for (const double x : exact) most = std::max(most, std::fabs(x));
  for (std::size_t i = 0; i < exact.size(); ++i) CHECK(std::fabs(found[i] - exact[i]) < 0.04 * most);
}

const std::vector<float> kOutputs{0.5F, -1.0F, 2.0F, 0.25F, 1.5F, -0.75F, 3.0F, 0.0F, -2.0F, 1.0F, 0.125F, -0.5F};

TEST_CASE("probes have the second derivatives of the divergence, wherever the classes lie") {
  check_near(mean_products(HT_LOSS_KL, 0, kOutputs, {4, 3}), divergence_hessian(kOutputs, 3, 1));
  check_near(mean_products(HT_LOSS_KL, 0, kOutputs, {2, 3, 2}), divergence_hessian(kOutputs, 3, 2));
  check_near(mean_products(HT_LOSS_KL, 4, kOutputs, {2, 2, 3}), divergence_hessian(kOutputs, 3, 1));
  check_near(mean_products(HT_LOSS_KL, 2, kOutputs, {1, 6, 2}), divergence_hessian(kOutputs, 6, 2));
}

TEST_CASE("probes have the second derivatives of the mean squared error") {
  std::vector<double> exact(12 * 12);
  for (std::size_t i = 0; i < 12; ++i) exact[i * 12 + i] = 2.0 / 12;
  check_near(mean_products(HT_LOSS_MSE, 0, kOutputs, {4, 3}), exact);
}

TEST_CASE("scores that are far apart leave no direction, and none is not a number") {
  std::vector<float> outputs{1000.0F, -1000.0F, 0.0F}, targets(3);
  probe_outputs(HT_LOSS_KL, 0, outputs, std::vector<std::int64_t>{1, 3}, 7, targets);
  for (std::size_t i = 0; i < 3; ++i) CHECK(targets[i] == doctest::Approx(outputs[i]));
}

}  // namespace
}  // namespace halftone::passes
