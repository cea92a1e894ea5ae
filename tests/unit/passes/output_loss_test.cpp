// Losses at the outputs, by their formulas.
#include "passes/precision/output_loss.h"

#include <doctest/doctest.h>

#include <cmath>

#include "halftone/status.hpp"

namespace halftone::passes {
namespace {

using Floats = std::vector<float>;
using Shape = std::vector<std::int64_t>;

double loss(const char *name, const Floats &f, const Floats &q, const Shape &shape, LossOptions options = {}) {
  options.loss = loss_of(name);
  return loss_between({f, shape}, {q, shape}, options);
}

TEST_CASE("noise over signal and mean squared error") {
  const Floats f = {3, -4, 0}, q = {3.5F, -4, 1};
  CHECK(loss("noise", f, q, {1, 3}) == doctest::Approx(1.25 / 25));
  CHECK(loss("mse", f, q, {1, 3}) == doctest::Approx(1.25 / 3));
  CHECK(loss("noise", f, f, {1, 3}) == 0);
}

TEST_CASE("divergence of probabilities, along any axis") {
  // Rows [ln 1, ln 3] and [0, 0]: probabilities 1/4, 3/4 and 1/2, 1/2.
  const auto ln3 = static_cast<float>(std::log(3.0));
  const Floats f = {0, ln3, 0, 0}, q = {0, 0, 0, ln3};
  const double first = 0.25 * std::log(0.25 / 0.5) + 0.75 * std::log(0.75 / 0.5);
  const double second = 0.5 * std::log(0.5 / 0.25) + 0.5 * std::log(0.5 / 0.75);
  CHECK(loss("kl", f, q, {2, 2}) == doctest::Approx((first + second) / 2));
  const Floats across = {0, 0, ln3, 0}, across_q = {0, 0, 0, ln3};  // the same, classes along axis 0
  CHECK(loss("kl", across, across_q, {2, 2}, {.axis = 0, .label = {}}) == doctest::Approx((first + second) / 2));
  const Floats p = {0.25F, 0.75F}, r = {0.5F, 0.5F};
  CHECK(loss("kl", p, r, {1, 2}, {.probabilities = true, .label = {}}) == doctest::Approx(first));
  // Large scores do not overflow, and a probability of 0 stays finite.
  CHECK(loss("kl", {1000, 0}, {0, 1000}, {1, 2}) == doctest::Approx(1000));
  CHECK(std::isfinite(loss("kl", {1, 0}, {0, 1}, {1, 2}, {.probabilities = true, .label = {}})));
  CHECK_THROWS_AS(loss("kl", f, q, {2, 2}, {.axis = 2, .label = {}}), sdk::Failure);
}

TEST_CASE("classes, with and without labels") {
  const Floats f = {0, 2, 1}, q = {0, 1, 2};
  CHECK(loss("top1", f, f, {1, 3}) == 0);
  CHECK(loss("top1", f, q, {1, 3}) == 1);
  CHECK(loss("top1", f, q, {1, 3}, {.label = 1}) == 1);
  CHECK(loss("top1", f, q, {1, 3}, {.label = 2}) == -1);
  CHECK(loss("top1", f, q, {1, 3}, {.label = 0}) == 0);
  const double sum = std::exp(0.0) + std::exp(1.0) + std::exp(2.0);
  CHECK(loss("cross-entropy", f, q, {1, 3}, {.label = 1}) ==
        doctest::Approx(std::log(std::exp(2.0) / sum) - std::log(std::exp(1.0) / sum)));
  CHECK_THROWS_AS(loss("cross-entropy", f, q, {1, 3}), sdk::Failure);
  CHECK_THROWS_AS(loss("top1", f, q, {1, 3}, {.label = 3}), sdk::Failure);
  CHECK_THROWS_AS(loss("top1", {0, 1, 2, 3}, {0, 1, 2, 3}, {2, 2}), sdk::Failure);
  CHECK_THROWS_AS(loss_between({f, Shape{1, 3}}, {Floats{1}, Shape{1}}, {}), sdk::Failure);
}

}  // namespace
}  // namespace halftone::passes
