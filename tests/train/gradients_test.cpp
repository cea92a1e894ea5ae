// Gradients of whole networks against central differences, and the same bytes for any number of threads.
#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "core/model/onnx_io.h"
#include "tests/train/rig.h"

namespace halftone::test {
namespace {

host::WorkingModel float_model(const std::string &file) {
  host::WorkingModel working;
  working.model = model::import_onnx(file).model;
  return working;
}

TrainRequest learn_all(const model::Model &m, std::uint32_t loss) {
  TrainRequest request;
  request.weights = weights_of(m, true);
  request.losses = {loss_of(loss, m.graph(m.main_graph()).outputs.front())};
  return request;
}

Labels labels_of(std::size_t rows, std::int64_t classes) {
  Labels labels;
  for (std::size_t i = 0; i < rows; ++i) labels.data.push_back(static_cast<std::int64_t>(i * 7) % classes);
  return labels;
}

// The derivative of the loss along one element, by a step that float32 resolves.
double difference(TrainRig &rig, const model::Model &m, model::Handle weight, std::size_t element, const Floats &input,
                  const Labels &labels) {
  Floats w{m.value(weight).initializer->shape(), rig.read(HT_LEARNED_WEIGHT, weight)};
  const float start = w.data[element];
  const float step = 1e-2F * std::max(std::fabs(start), 0.05F);
  w.data[element] = start + step;
  const double high_at = double{w.data[element]};
  rig.write(HT_LEARNED_WEIGHT, weight, w);
  const double high = rig.evaluate_labels({input}, labels);
  w.data[element] = start - step;
  const double low_at = double{w.data[element]};
  rig.write(HT_LEARNED_WEIGHT, weight, w);
  const double low = rig.evaluate_labels({input}, labels);
  w.data[element] = start;
  rig.write(HT_LEARNED_WEIGHT, weight, w);
  return (high - low) / (high_at - low_at);
}

// Sampled elements of every `stride`-th weight. ReLU has kinks, so that a few may be off.
void check_differences(const std::string &file, const Floats &input, std::int64_t classes, std::size_t stride) {
  host::WorkingModel working = float_model(file);
  const TrainRequest request = learn_all(working.model, HT_LOSS_CROSS_ENTROPY);
  TrainRig rig(working, request);
  const Labels labels = labels_of(static_cast<std::size_t>(input.shape[0]), classes);
  const ht_train_result result = rig.accumulate_labels({input}, labels);
  CHECK(result.loss == doctest::Approx(rig.evaluate_labels({input}, labels)).epsilon(1e-5));
  std::size_t checked = 0, off = 0;
  for (std::size_t i = 0; i < request.weights.size(); i += stride) {
    const model::Handle weight = request.weights[i];
    const std::vector<float> gradient = rig.gradient(HT_LEARNED_WEIGHT, weight);
    double size = 0;
    for (const float g : gradient) size = std::max(size, std::fabs(double{g}));
    for (const std::size_t element : {gradient.size() / 3, gradient.size() - 1}) {
      const double want = difference(rig, working.model, weight, element, input, labels);
      const double error = std::fabs(double{gradient[element]} - want);
      ++checked;
      if (error > 0.03 * std::fabs(want) + 0.02 * size + 2e-5) {
        ++off;
        MESSAGE(working.model.value(weight).name, "[", element, "]: ", gradient[element], " instead of ", want);
      }
    }
  }
  CHECK(checked > 10);
  CHECK(off * 10 <= checked);
}

TEST_CASE("gradients of the example are those of central differences") {
  check_differences(std::string(HALFTONE_SOURCE) + "/examples/glyphs/model.onnx", noise({4, 3, 32, 32}, 3), 36, 1);
}

TEST_CASE("gradients of real models are those of central differences") {
  const auto models = shared_models();
  if (!models) return;
  check_differences(*models + "/resnet20-cifar10/model.onnx", noise({4, 3, 32, 32}, 3), 10, 5);
  check_differences(*models + "/vit-tiny-cifar10/model.onnx", noise({3, 3, 32, 32}, 3), 10, 3);
}

TEST_CASE("training gives the same bytes on any number of threads") {
  const std::string file = std::string(HALFTONE_SOURCE) + "/examples/glyphs/model.onnx";
  std::vector<std::vector<std::byte>> saved;
  std::vector<double> losses;
  for (const std::uint32_t threads : {1U, 2U, 3U}) {
    host::WorkingModel working = float_model(file);
    TrainRequest request = learn_all(working.model, HT_LOSS_CROSS_ENTROPY);
    request.threads = threads;
    TrainRig rig(working, request);
    const Floats input = noise({13, 3, 32, 32}, 5);
    for (std::uint64_t step = 0; step < 3; ++step) {
      losses.push_back(rig.accumulate_labels({input}, labels_of(13, 10), step).loss);
      rig.update(1e-3F);
    }
    saved.push_back(rig.save());
  }
  CHECK(saved[0] == saved[1]);
  CHECK(saved[0] == saved[2]);
  CHECK(losses[2] < losses[0]);
  CHECK(losses[2] == losses[5]);
}

TEST_CASE("values that are computed again for want of memory give the same bytes") {
  std::vector<std::vector<std::byte>> saved;
  const Floats input = noise({16, 3, 32, 32}, 5);
  for (const std::uint64_t memory : {std::uint64_t{0}, std::uint64_t{1} << 40U, std::uint64_t{1500} << 10U}) {
    host::WorkingModel working = float_model(std::string(HALFTONE_SOURCE) + "/examples/glyphs/model.onnx");
    TrainRequest request = learn_all(working.model, HT_LOSS_CROSS_ENTROPY);
    request.memory = memory;
    TrainRig rig(working, request);
    rig.accumulate_labels({input}, labels_of(16, 36));
    rig.update(1e-3F);
    saved.push_back(rig.save());
  }
  CHECK(saved[0] == saved[1]);
  CHECK(saved[0] == saved[2]);
  host::WorkingModel working = float_model(std::string(HALFTONE_SOURCE) + "/examples/glyphs/model.onnx");
  TrainRequest request = learn_all(working.model, HT_LOSS_CROSS_ENTROPY);
  request.memory = 1000;
  TrainRig rig(working, request);
  try {
    rig.accumulate_labels({input}, labels_of(16, 36));
    FAIL("1000 bytes are enough");
  } catch (const Error &error) {
    CHECK(error.status() == Status::kResourceExhausted);
    MESSAGE(error.message());
  }
}

TEST_CASE("a checkpoint brings back weights and the optimizer's state") {
  host::WorkingModel working = float_model(std::string(HALFTONE_SOURCE) + "/examples/glyphs/model.onnx");
  const TrainRequest request = learn_all(working.model, HT_LOSS_CROSS_ENTROPY);
  const Floats input = noise({8, 3, 32, 32}, 5);
  TrainRig rig(working, request);
  const auto step = [&](TrainRig &own, std::uint64_t number) {
    own.accumulate_labels({input}, labels_of(8, 10), number);
    own.update(1e-3F);
  };
  step(rig, 0);
  const std::vector<std::byte> before = rig.save();
  step(rig, 1);
  const std::vector<std::byte> after = rig.save();
  CHECK(before != after);
  TrainRig other(working, request);
  other.restore(before);
  step(other, 1);
  CHECK(other.save() == after);
  std::vector<std::byte> cut(after.begin(), after.end() - 8);
  CHECK_THROWS(other.restore(cut));
  CHECK(other.save() == after);
}

}  // namespace
}  // namespace halftone::test
