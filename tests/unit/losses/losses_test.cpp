// Losses against PyTorch's values, whole and in shards, and what is refused.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>

#include <nlohmann/json.hpp>

#include "executors/trainer/losses/loss.h"
#include "halftone/status.hpp"

namespace halftone::trainer {
namespace {

using nlohmann::json;

ht_train_loss loss_of(std::uint32_t kind, float parameter = 0, std::uint64_t axes = 0, float weight = 1) {
  ht_train_loss loss{};
  loss.struct_size = sizeof(loss);
  loss.kind = kind, loss.parameter = parameter, loss.axes = axes, loss.weight = weight;
  return loss;
}

struct Target {
  std::vector<float> values;
  std::vector<std::int64_t> labels;
  const void *at(std::size_t element, std::size_t position) const {
    return labels.empty() ? static_cast<const void *>(values.data() + element) : labels.data() + position;
  }
};

// The loss of the batch in `shards` pieces of neighbouring rows.
double in_shards(const json &row, std::int64_t shards, const Target &target, std::vector<float> &gradient) {
  const ht_train_loss loss = loss_of(row["kind"], row["parameter"], row["axes"], row["weight"]);
  std::vector<std::int64_t> shape = row["shape"];
  const std::vector<float> output = row["output"];
  const std::int64_t rows = shape[0];
  const std::size_t elements = output.size() / static_cast<std::size_t>(rows);
  const std::size_t positions = class_layout(shape, loss.axes).positions() / static_cast<std::size_t>(rows);
  gradient.assign(output.size(), 0.0F);
  double sum = 0;
  for (std::int64_t shard = 0; shard < shards; ++shard) {
    const auto first = static_cast<std::size_t>(rows * shard / shards);
    shape[0] = rows * (shard + 1) / shards - rows * shard / shards;
    const Shard part{shape, first, static_cast<std::uint64_t>(rows)};
    const double alone = loss_of_shard(loss, part, output.data() + first * elements,
                                       target.at(first * elements, first * positions), nullptr);
    const double again =
        loss_of_shard(loss, part, output.data() + first * elements, target.at(first * elements, first * positions),
                      gradient.data() + first * elements);
    CHECK(alone == again);
    sum += again;
  }
  return sum;
}

TEST_CASE("PyTorch's losses and gradients") {
  std::ifstream in(std::string(std::getenv("HALFTONE_SOURCE_DIR")) + "/tests/unit/losses/values.json");
  const json file = json::parse(in);
  REQUIRE(file["cases"].size() == 13);
  for (const json &row : file["cases"]) {
    INFO(row["name"].get<std::string>());
    Target target;
    if (row["kind"] == HT_LOSS_CROSS_ENTROPY) {
      target.labels = row["target"].get<std::vector<std::int64_t>>();
    } else {
      target.values = row["target"].get<std::vector<float>>();
    }
    const std::vector<float> wanted = row["gradient"];
    for (const std::int64_t shards : {1, 2, 3}) {
      std::vector<float> gradient;
      CHECK(in_shards(row, shards, target, gradient) == doctest::Approx(row["loss"].get<double>()).epsilon(2e-6));
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        CHECK(std::fabs(gradient[i] - wanted[i]) <= 2e-6F * std::fabs(wanted[i]) + 3e-8F);
      }
    }
  }
}

TEST_CASE("a second loss of the same value adds to the gradient") {
  const std::int64_t shape[] = {2, 1};
  const float output[] = {1, 5}, target[] = {0, 2};
  float gradient[] = {10, 20};
  CHECK(loss_of_shard(loss_of(HT_LOSS_MSE), {shape, 0, 2}, output, target, gradient) == 5.0);
  CHECK(gradient[0] == 11.0F);
  CHECK(gradient[1] == 23.0F);
}

TEST_CASE("logits far apart neither overflow nor lose the loss") {
  const std::int64_t shape[] = {1, 3}, label = 1;
  const float output[] = {1000, -1000, 0};
  float gradient[3] = {};
  CHECK(loss_of_shard(loss_of(HT_LOSS_CROSS_ENTROPY), {shape, 0, 1}, output, &label, gradient) == 2000.0);
  CHECK(gradient[0] == 1.0F);
  CHECK(gradient[1] == -1.0F);
  const float teacher[] = {-1000, 1000, 0};
  CHECK(loss_of_shard(loss_of(HT_LOSS_KL, 1), {shape, 0, 1}, output, teacher, gradient) == 2000.0);
}

TEST_CASE("the shape of targets") {
  const std::vector<std::int64_t> shape{4, 5, 6, 7};
  CHECK(target_shape(loss_of(HT_LOSS_MSE), shape) == shape);
  CHECK(target_shape(loss_of(HT_LOSS_KL, 1), shape) == shape);
  CHECK(target_shape(loss_of(HT_LOSS_CROSS_ENTROPY), shape) == std::vector<std::int64_t>{4, 6, 7});
  CHECK(target_shape(loss_of(HT_LOSS_CROSS_ENTROPY, 0, 12), shape) == std::vector<std::int64_t>{4, 5});
}

void refused(const std::function<void()> &call, const char *text) {
  try {
    call();
    FAIL_CHECK("not refused: ", text);
  } catch (const sdk::Failure &failure) {
    CHECK(failure.status() == HT_INVALID_ARGUMENT);
    CHECK(std::string(failure.what()) == text);
  }
}

TEST_CASE("what is refused, with the remedy") {
  const std::vector<std::int64_t> shape{4, 5, 6, 7};
  const auto check = [&](const ht_train_loss &loss) { return [&shape, loss] { check_loss(loss, shape); }; };
  refused(check(loss_of(9)), "unknown kind of loss 9; known are 1 to 4");
  refused(check(loss_of(HT_LOSS_POWER, 0.5F)), "the exponent of a loss is 0.500000; it has to be 1 or more");
  refused(check(loss_of(HT_LOSS_KL, 0)), "the temperature of a loss is 0.000000; it has to be above 0");
  refused(check(loss_of(HT_LOSS_MSE, 0, 1)), "axis 0 of a loss holds the rows, it cannot hold classes");
  refused(check(loss_of(HT_LOSS_MSE, 0, 16)), "the axes of classes of a loss are beyond the value's 4 axes");
  refused(check(loss_of(HT_LOSS_MSE, 0, 10)), "the axes of classes of a loss have to be neighbours");
  refused(check(loss_of(HT_LOSS_MSE, 0, 0, NAN)), "the weight of a loss is not finite");
  refused([] { class_layout({}, 0); }, "a loss is of values with rows along axis 0; this one has no axes");
  const std::int64_t logits[] = {2, 3, 2}, labels[] = {0, 1, 2, 3};
  const std::vector<float> output(12);
  refused(
      [&] {
        loss_of_shard(loss_of(HT_LOSS_CROSS_ENTROPY), {logits, 16, 32}, output.data(), labels, nullptr);
      },
      "label 3 of row 17 of the batch is no class; the output has classes 0 to 2");
}

}  // namespace
}  // namespace halftone::trainer
