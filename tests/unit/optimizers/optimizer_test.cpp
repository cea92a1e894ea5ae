// Optimizers against PyTorch's values over several steps, their states, and the clipping of gradients.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "executors/trainer/optimizers/optimizer.h"
#include "halftone/status.hpp"

namespace halftone::trainer {
namespace {

using nlohmann::json;

json values() {
  std::ifstream in(std::string(std::getenv("HALFTONE_SOURCE_DIR")) + "/tests/unit/optimizers/values.json");
  return json::parse(in);
}

ht_optimizer options_of(const json &row) {
  ht_optimizer o{};
  o.struct_size = sizeof(o);
  o.kind = row["kind"];
  o.momentum = row.value("momentum", 0.0F), o.nesterov = row.value("nesterov", 0.0F);
  o.beta1 = row.value("beta1", 0.0F), o.beta2 = row.value("beta2", 0.0F), o.epsilon = row.value("epsilon", 0.0F);
  o.weight_decay = row["weight_decay"];
  return o;
}

void check_near(const std::vector<float> &got, const std::vector<float> &wanted) {
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CHECK(std::fabs(got[i] - wanted[i]) <= 1e-6F * std::fabs(wanted[i]) + 2e-7F);
  }
}

TEST_CASE("PyTorch's weights after every step") {
  const json file = values();
  REQUIRE(file["optimizers"].size() == 8);
  for (const json &row : file["optimizers"]) {
    INFO(row["name"].get<std::string>());
    const Optimizer optimizer(options_of(row["options"]));
    std::vector<float> weights = row["start"];
    OptimizerState state;
    for (std::size_t step = 0; step < row["weights"].size(); ++step) {
      const std::vector<float> gradients = row["gradients"][step];
      optimizer.step(weights, gradients, state, row["rate"], true);
      check_near(weights, row["weights"][step]);
    }
  }
}

TEST_CASE("a state that was saved in the middle goes on with the same bits") {
  const json rows = values()["optimizers"];
  REQUIRE(rows.size() == 8);
  for (const json &row : rows) {
    INFO(row["name"].get<std::string>());
    const Optimizer optimizer(options_of(row["options"]));
    std::vector<float> weights = row["start"], other;
    OptimizerState state, restored;
    for (std::size_t step = 0; step < row["gradients"].size(); ++step) {
      const std::vector<float> gradients = row["gradients"][step];
      if (step == 3) {
        std::vector<std::byte> bytes;
        save_state(state, bytes);
        save_state(OptimizerState{}, bytes);
        std::span<const std::byte> rest(bytes);
        restored = read_state(rest, weights.size());
        CHECK(read_state(rest, weights.size()).first.empty());
        CHECK(rest.empty());
        other = weights;
      }
      optimizer.step(weights, gradients, state, row["rate"], true);
      if (step >= 3) optimizer.step(other, gradients, restored, row["rate"], true);
    }
    CHECK(other == weights);
  }
}

TEST_CASE("states that are cut short or of another tensor are refused") {
  OptimizerState state{3, {1, 2, 3}, {}};
  std::vector<std::byte> bytes;
  save_state(state, bytes);
  const auto refused = [&](std::size_t size, std::size_t elements, const char *text) {
    std::span<const std::byte> part(bytes.data(), size);
    try {
      read_state(part, elements);
      FAIL_CHECK("not refused: ", text);
    } catch (const sdk::Failure &failure) {
      CHECK(failure.status() == HT_DATA_LOSS);
      CHECK(std::string(failure.what()) == text);
    }
  };
  refused(bytes.size() - 1, 3, "the state of an optimizer is cut short");
  refused(10, 3, "the state of an optimizer is cut short");
  refused(bytes.size(), 4, "the state of an optimizer is of a tensor of another size");
}

TEST_CASE("decay is for those who ask; a rate of 0 moves nothing") {
  ht_optimizer options = Optimizer::default_options();
  options.weight_decay = 0.5F;
  std::vector<float> weights{1, -2}, gradients{0, 0};
  OptimizerState state;
  Optimizer(options).step(weights, gradients, state, 0.1F, false);
  CHECK(weights == std::vector<float>{1, -2});
  Optimizer(options).step(weights, gradients, state, 0.0F, true);
  CHECK(weights == std::vector<float>{1, -2});
  CHECK(state.first[0] != 0.0F);
  Optimizer(options).step(weights, gradients, state, 0.1F, true);
  CHECK(weights[0] < 1.0F);
  CHECK(weights[1] > -2.0F);
}

TEST_CASE("gradients are clipped to a norm of all together") {
  const json rows = values()["clipped"];
  REQUIRE(rows.size() == 2);
  for (const json &row : rows) {
    double squares = 0;
    for (const json &tensor : row["before"]) squares += squared_norm(tensor.get<std::vector<float>>());
    CHECK(std::sqrt(squares) == doctest::Approx(row["norm"].get<double>()).epsilon(1e-6));
    const double factor = clip_factor(std::sqrt(squares), row["limit"]);
    for (std::size_t t = 0; t < row["before"].size(); ++t) {
      const std::vector<double> before = row["before"][t], after = row["after"][t];
      for (std::size_t i = 0; i < before.size(); ++i) {
        CHECK(before[i] * factor == doctest::Approx(after[i]).epsilon(2e-6));  // PyTorch divides by norm + 1e-6
      }
    }
  }
  CHECK(clip_factor(5, 0) == 1.0);
}

TEST_CASE("options that no optimizer has are refused") {
  const auto refused = [](const ht_optimizer &options, const char *text) {
    try {
      Optimizer made(options);
      FAIL_CHECK("not refused: ", text);
    } catch (const sdk::Failure &failure) {
      CHECK(failure.status() == HT_INVALID_ARGUMENT);
      CHECK(std::string(failure.what()) == text);
    }
  };
  ht_optimizer options = Optimizer::default_options();
  options.kind = 7;
  refused(options, "unknown kind of optimizer 7; known are 1 and 2");
  options.kind = HT_OPTIMIZER_SGD, options.momentum = 1;
  refused(options, "the optimizer's momentum is 1.000000; it has to be from 0.000000 to below 1.000000");
  options.momentum = 0, options.nesterov = 0.5F;
  refused(options, "the optimizer's nesterov is 0 or 1");
  options = Optimizer::default_options(), options.beta2 = -1;
  refused(options, "the optimizer's beta2 is -1.000000; it has to be from 0.000000 to below 1.000000");
  options = Optimizer::default_options(), options.weight_decay = NAN;
  refused(options, "the optimizer's weight_decay is nan; it has to be from 0.000000 to 1000000.000000");
}

}  // namespace
}  // namespace halftone::trainer
