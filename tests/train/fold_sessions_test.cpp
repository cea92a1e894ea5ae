// Sessions with folded normalizations: threads, memory, checkpoints, statistics, methods of quantizers, refusals.
#include <doctest/doctest.h>

#include <cmath>
#include <deque>

#include "core/base/error.h"
#include "core/quant/arithmetic.h"
#include "tests/agree/net.h"
#include "tests/train/rig.h"

namespace halftone::test {
namespace {

using model::Handle;

constexpr std::int64_t kChannels = 6;

// Convolutions one behind another, each with an activation, the second around a shortcut; any weight is the folded form
// of some normalization.
struct Chain {
  explicit Chain(float step, const char *activation = "Relu") : net(11) {
    Handle y = net.input({1, kChannels, 8, 8});
    Handle shortcut = HT_NONE;
    for (int i = 0; i < 3; ++i) {
      weights.push_back(net.weight({kChannels, kChannels, 3, 3}, 0.25F));
      biases.push_back(net.weight({kChannels}, 0.5F));
      y = net.node("Conv", {y, weights.back(), biases.back()}, {Net::ints("pads", {1, 1, 1, 1})});
      layers.push_back(net.working.model.value(y).producer);
      if (step != 0) configs.push_back(quantize(layers.back(), step));
      if (i == 1) y = net.node("Add", {y, shortcut});
      y = net.node(activation, {y});
      if (i == 0) shortcut = y;
    }
    output = y;
    net.output(y);
  }

  Handle quantize(Handle layer, float step) {
    const ht_quant_spec spec = quant::make_spec(8, true, HT_SYMMETRIC);
    const Handle config = net.working.configs.create({layer, false, 1}, spec, quant::State::kInitial);
    net.working.configs.set_scales(config, std::vector<float>{step}, std::vector<std::int32_t>{0}, {});
    return config;
  }

  TrainRequest request(bool by_batch = true) {
    TrainRequest r;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      r.weights.push_back(weights[i]);
      r.weights.push_back(biases[i]);
      r.folds.push_back(fold(i, by_batch));
    }
    r.losses = {loss_of(HT_LOSS_MSE, output)};
    return r;
  }

  ht_train_fold fold(std::size_t i, bool by_batch) {
    ht_train_fold f{};
    f.struct_size = sizeof(f);
    f.batch_statistics = by_batch ? 1 : 0;
    f.node = layers[i];
    f.gamma = numbers(10 * i + 1, 0.5F, 1.25F);
    f.beta = numbers(10 * i + 2, 0.3F, 0);
    f.mean = numbers(10 * i + 3, 0.5F, 0);
    f.variance = numbers(10 * i + 4, 0.4F, 1);
    f.channels = kChannels;
    f.epsilon = 1e-5F;
    f.momentum = 0.9F;
    return f;
  }
  const float *numbers(std::uint64_t seed, float size, float middle) {
    std::vector<float> &values = held.emplace_back(noise({kChannels}, seed).data);
    for (float &x : values) x = x * size + middle;
    return values.data();
  }

  Net net;
  std::vector<Handle> weights, biases, layers, configs;
  Handle output = HT_NONE;
  std::deque<std::vector<float>> held;
};

const Floats &data() {
  static const Floats x = noise({13, kChannels, 8, 8}, 5);
  return x;
}
const Floats &target() {
  static const Floats x = noise({13, kChannels, 8, 8}, 6);
  return x;
}

TEST_CASE("statistics of the batch give the same bytes on any number of threads, and where values are computed again") {
  std::vector<std::vector<std::byte>> saved;
  std::vector<double> losses;
  struct Way {
    std::uint32_t threads;
    std::uint64_t memory;
  };
  for (const Way way : {Way{1, 0}, Way{2, 0}, Way{3, 0}, Way{1, 40 << 10}, Way{2, 90 << 10}}) {
    Chain chain(0.01F);
    TrainRequest request = chain.request();
    request.threads = way.threads;
    request.memory = way.memory;
    TrainRig rig(chain.net.working, request);
    for (std::uint64_t step = 0; step < 4; ++step) {
      losses.push_back(rig.accumulate({data()}, {target()}, step).loss);
      rig.update(2e-2F);
    }
    saved.push_back(rig.save());
  }
  for (const auto &each : saved) CHECK(each == saved[0]);
  CHECK(losses[3] < losses[0]);
  // A limit that no cut meets.
  Chain chain(0.01F);
  TrainRequest request = chain.request();
  request.memory = 1000;
  TrainRig rig(chain.net.working, request);
  CHECK_THROWS_AS(rig.accumulate({data()}, {target()}), Error);
}

// Of the loss while learning, along one element.
double difference(TrainRig &rig, std::uint32_t kind, Handle handle, std::uint32_t part, const Floats &start,
                  std::size_t element, float step) {
  const auto loss_at = [&](float by) {
    Floats moved = start;
    moved.data[element] += by;
    rig.write(kind, handle, moved, part);
    ht_train_result result{};
    rig.evaluate({data()}, {target()}, &result, true);
    return result.loss;
  };
  const double slope = (loss_at(step) - loss_at(-step)) / (2 * double{step});
  rig.write(kind, handle, start, part);
  return slope;
}

TEST_CASE("gradients through several normalizations are those of central differences") {
  for (const bool by_batch : {true, false}) {
    Chain chain(0, "Tanh");  // no bends
    TrainRig rig(chain.net.working, chain.request(by_batch));
    rig.accumulate({data()}, {target()});
    // accumulate() moved the statistics; a session of its own has those that the gradients belong to.
    TrainRig fresh(chain.net.working, chain.request(by_batch));
    for (std::size_t i = 0; i < chain.layers.size(); ++i) {
      for (const std::uint32_t part : {HT_FOLD_GAMMA, HT_FOLD_BETA}) {
        const std::vector<float> gradient = rig.gradient(HT_LEARNED_WEIGHT, chain.layers[i], part);
        const Floats start{{kChannels}, fresh.read(HT_LEARNED_WEIGHT, chain.layers[i], part)};
        for (const std::size_t c : {std::size_t{0}, std::size_t{3}}) {
          const double want = difference(fresh, HT_LEARNED_WEIGHT, chain.layers[i], part, start, c, 4e-3F);
          INFO("layer ", i, ", part ", part, ", channel ", c);
          CHECK(double{gradient[c]} == doctest::Approx(want).epsilon(0.02).scale(0.002));
        }
      }
      // What is written is folded: the step in the weight itself is that divided by s.
      const std::vector<float> gradient = rig.gradient(HT_LEARNED_WEIGHT, chain.weights[i]);
      const Floats start{{kChannels, kChannels, 3, 3}, fresh.read(HT_LEARNED_WEIGHT, chain.weights[i])};
      const ht_train_fold fold = chain.fold(i, by_batch);
      for (const std::size_t at : {std::size_t{5}, std::size_t{200}}) {
        const std::size_t c = at / (kChannels * 9);
        const double s = double{fold.gamma[c]} / std::sqrt(double{fold.variance[c]} + double{fold.epsilon});
        const double want = difference(fresh, HT_LEARNED_WEIGHT, chain.weights[i], 0, start, at, 4e-3F) * s;
        INFO("weight of layer ", i, ", element ", at);
        CHECK(double{gradient[at]} == doctest::Approx(want).epsilon(0.02).scale(0.002));
      }
    }
  }
}

TEST_CASE("a checkpoint holds gamma, beta and statistics") {
  Chain chain(0.01F);
  TrainRig rig(chain.net.working, chain.request());
  const auto step = [](TrainRig &own, std::uint64_t number) {
    own.accumulate({data()}, {target()}, number);
    own.update(1e-2F);
  };
  step(rig, 0);
  const std::vector<std::byte> before = rig.save();
  step(rig, 1);
  const std::vector<std::byte> after = rig.save();
  TrainRig other(chain.net.working, chain.request());
  other.restore(before);
  step(other, 1);
  CHECK(other.save() == after);
  for (const std::uint32_t part : {HT_FOLD_GAMMA, HT_FOLD_BETA}) {
    CHECK(other.read(HT_LEARNED_WEIGHT, chain.layers[1], part) == rig.read(HT_LEARNED_WEIGHT, chain.layers[1], part));
  }
  for (const std::uint32_t part : {HT_FOLD_MEAN, HT_FOLD_VARIANCE}) {
    const auto mean = rig.read(HT_LEARNED_STATISTICS, chain.layers[1], part);
    CHECK(other.read(HT_LEARNED_STATISTICS, chain.layers[1], part) == mean);
    other.write(HT_LEARNED_STATISTICS, chain.layers[1], {{kChannels}, std::vector<float>(kChannels, 1)}, part);
    CHECK(other.read(HT_LEARNED_STATISTICS, chain.layers[1], part) == std::vector<float>(kChannels, 1));
  }
  CHECK(other.evaluate({data()}).at(chain.output).data != rig.evaluate({data()}).at(chain.output).data);
}

// Sums in double over what the layer is given, and nothing of the trainer.
std::vector<float> normalized_by_statistics(Chain &chain, TrainRig &rig) {
  const auto part = [&](std::uint32_t kind, std::uint32_t which) { return rig.read(kind, chain.layers[0], which); };
  const auto gamma = part(HT_LEARNED_WEIGHT, HT_FOLD_GAMMA), beta = part(HT_LEARNED_WEIGHT, HT_FOLD_BETA);
  const auto mean = part(HT_LEARNED_STATISTICS, HT_FOLD_MEAN);
  const auto variance = part(HT_LEARNED_STATISTICS, HT_FOLD_VARIANCE);
  const auto folded = rig.read(HT_LEARNED_WEIGHT, chain.weights[0]);
  const auto bias = rig.read(HT_LEARNED_WEIGHT, chain.biases[0]);
  constexpr int kSide = 8, kArea = kSide * kSide;
  std::vector<float> y(data().data.size());
  for (std::size_t at = 0; at < y.size(); ++at) {
    const auto c = at / kArea % kChannels, row = at / (kArea * kChannels);
    const int top = static_cast<int>(at / kSide % kSide), left = static_cast<int>(at % kSide);
    const double s = double{gamma[c]} / std::sqrt(double{variance[c]} + 1e-5);
    const double b = (double{bias[c]} - double{beta[c]}) / s + double{mean[c]};
    double u = b;
    for (std::size_t k = 0; k < kChannels * 9; ++k) {
      const int i = top + static_cast<int>(k % 9 / 3) - 1, j = left + static_cast<int>(k % 3) - 1;
      if (i < 0 || j < 0 || i >= kSide || j >= kSide) continue;
      const auto from = (row * kChannels + k / 9) * kArea + static_cast<std::size_t>(i * kSide + j);
      u += double{data().data[from]} * double{folded[c * kChannels * 9 + k]} / s;
    }
    y[at] = static_cast<float>((u - double{mean[c]}) * s + double{beta[c]});
  }
  return y;
}

TEST_CASE("a session that goes on with frozen normalizations keeps their statistics and computes with them") {
  Chain chain(0);
  const auto statistics = [&](TrainRig &rig) {
    std::vector<std::vector<float>> all;
    for (const Handle layer : chain.layers) {
      for (const std::uint32_t part : {HT_FOLD_MEAN, HT_FOLD_VARIANCE}) {
        all.push_back(rig.read(HT_LEARNED_STATISTICS, layer, part));
      }
    }
    return all;
  };
  const auto request = [&](bool by_batch) {
    TrainRequest r = chain.request(by_batch);
    r.outputs = {chain.net.working.model.node(chain.layers[0]).outputs[0], chain.output};
    return r;
  };
  TrainRig by_batch(chain.net.working, request(true));
  const auto at_start = statistics(by_batch);
  for (std::uint64_t step = 0; step < 3; ++step) {
    by_batch.accumulate({data()}, {target()}, step);
    by_batch.update(1e-2F);
  }
  const auto before = statistics(by_batch);
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(before[i] != at_start[i]);
  TrainRig frozen(chain.net.working, request(false));
  frozen.restore(by_batch.save());
  CHECK(frozen.save() == by_batch.save());
  const auto gamma = frozen.read(HT_LEARNED_WEIGHT, chain.layers[1], HT_FOLD_GAMMA);
  for (std::uint64_t step = 3; step < 6; ++step) {
    frozen.accumulate({data()}, {target()}, step);
    frozen.update(1e-2F);
  }
  CHECK(statistics(frozen) == before);
  CHECK(frozen.read(HT_LEARNED_WEIGHT, chain.layers[1], HT_FOLD_GAMMA) != gamma);
  const Handle first = request(false).outputs[0];
  const auto while_learning = frozen.evaluate({data()}, {target()}, nullptr, true).at(first).data;
  CHECK(distance(while_learning, normalized_by_statistics(chain, frozen)) < 1e-5);
  by_batch.restore(frozen.save());  // and back
  const auto by_the_batch = by_batch.evaluate({data()}, {target()}, nullptr, true).at(first).data;
  CHECK(distance(by_the_batch, while_learning) > 1e-2);
}

TEST_CASE("statistics may be the mean over batches, without gradients") {
  Chain chain(0);
  TrainRig rig(chain.net.working, chain.request());
  const auto mean = [&] { return rig.read(HT_LEARNED_STATISTICS, chain.layers[0], HT_FOLD_MEAN); };
  const std::vector<float> start = mean();
  rig.evaluate({data()}, {}, nullptr, true);
  CHECK(mean() == start);  // evaluate() leaves them
  std::vector<std::vector<float>> alone;
  const std::vector<Floats> batches = {data(), target()};
  for (const Floats &batch : batches) {
    rig.statistics_batch = 1;
    rig.evaluate({batch}, {}, nullptr, true);
    alone.push_back(mean());
  }
  CHECK(alone[0] != alone[1]);
  for (std::uint32_t n = 1; n <= 2; ++n) {
    rig.statistics_batch = n;
    rig.evaluate({batches[n - 1]}, {}, nullptr, true);
  }
  const std::vector<float> both = mean();
  for (std::size_t c = 0; c < both.size(); ++c) {
    CHECK(both[c] == doctest::Approx((alone[0][c] + alone[1][c]) / 2).epsilon(1e-5));
  }
  rig.evaluate({data()});
  CHECK(mean() == both);  // and so does the deployed form
}

TEST_CASE("where the weight is not learned, gamma is not, and statistics still move") {
  Chain chain(0.01F);
  TrainRequest request = chain.request();
  request.weights = {chain.weights[0], chain.biases[0]};
  TrainRig rig(chain.net.working, request);
  const auto gamma = rig.read(HT_LEARNED_WEIGHT, chain.layers[1], HT_FOLD_GAMMA);
  const auto mean = rig.read(HT_LEARNED_STATISTICS, chain.layers[1], HT_FOLD_MEAN);
  const auto first = rig.read(HT_LEARNED_WEIGHT, chain.layers[0], HT_FOLD_GAMMA);
  rig.accumulate({data()}, {target()});
  rig.update(1e-2F);
  CHECK(rig.read(HT_LEARNED_WEIGHT, chain.layers[1], HT_FOLD_GAMMA) == gamma);
  CHECK(rig.read(HT_LEARNED_STATISTICS, chain.layers[1], HT_FOLD_MEAN) != mean);
  CHECK(rig.read(HT_LEARNED_WEIGHT, chain.layers[0], HT_FOLD_GAMMA) != first);
  CHECK_THROWS_AS(rig.gradient(HT_LEARNED_WEIGHT, chain.layers[1], HT_FOLD_GAMMA), Error);
  CHECK_THROWS_AS(rig.gradient(HT_LEARNED_STATISTICS, chain.layers[0], HT_FOLD_MEAN), Error);
}

TEST_CASE("quantizers learn of the folded weight, and what they learned is what is deployed") {
  for (const char *method : {"lsq", "adaround", "dorefa", "tqt"}) {
    for (const bool by_batch : {true, false}) {
      INFO(method);
      Chain chain(0.0625F);
      TrainRequest request = chain.request(by_batch);
      const std::string name = method;
      const bool rounds = name == "adaround", scales = name == "lsq" || name == "tqt";
      for (const Handle config : chain.configs) {
        ht_train_quantizer q{};
        q.struct_size = sizeof(q);
        q.config = config;
        q.method = {name.data(), name.size()};
        q.learns = (rounds ? 1U << HT_LEARNED_ROUNDING : 0U) | (scales ? 1U << HT_LEARNED_SCALE : 0U);
        request.quantizers.push_back(q);
      }
      TrainRig rig(chain.net.working, request);
      const double first = rig.accumulate({data()}, {target()}, 0).loss;
      double last = first;
      for (std::uint64_t step = 1; step < 15; ++step) {
        rig.update(3e-3F);
        last = rig.accumulate({data()}, {target()}, step).loss;
      }
      CHECK(last < first);
      const auto trained = rig.evaluate({data()}).at(chain.output).data;
      model::Model &m = chain.net.working.model;
      for (const Handle each : chain.request().weights) {
        m.set_initializer(
            each, model::Tensor::from_floats(m.value(each).initializer->shape(), rig.read(HT_LEARNED_WEIGHT, each)));
      }
      for (const Handle config : chain.configs) {
        chain.net.working.configs.set_scales(config, rig.read(HT_LEARNED_SCALE, config), std::vector<std::int32_t>{0},
                                             {});
      }
      const auto deployed = execute(chain.net.working, "reference", true, data(), {chain.output});
      CHECK(distance(trained, deployed.at(chain.output).data) < 1e-5);
    }
  }
}

TEST_CASE("a batch with one value for each channel is refused, and not normalized to nothing") {
  Net net(5);
  const Handle w = net.weight({4, 6}, 0.5F), b = net.weight({4});
  const Handle y = net.node("Gemm", {net.input({1, 6}), w, b}, {Net::integer("transB", 1)});
  net.output(y);
  const std::vector<float> ones(4, 1);
  ht_train_fold fold{};
  fold.struct_size = sizeof(fold);
  fold.batch_statistics = 1;
  fold.node = net.working.model.value(y).producer;
  fold.gamma = fold.beta = fold.mean = fold.variance = ones.data();
  fold.channels = 4;
  TrainRequest request;
  request.folds = {fold};
  request.weights = {w, b};
  request.losses = {loss_of(HT_LOSS_MSE, y)};
  TrainRig rig(net.working, request);
  rig.accumulate({noise({2, 6}, 1)}, {noise({2, 4}, 2)});  // of two shards with a row each
  CHECK_THROWS_AS(rig.accumulate({noise({1, 6}, 1)}, {noise({1, 4}, 2)}), Error);
  CHECK_NOTHROW(rig.evaluate({noise({1, 6}, 1)}));
}

TEST_CASE("folds that cannot be trained are refused when the session is opened") {
  Chain chain(0);
  const auto refused = [&](const std::function<void(TrainRequest &)> &change, const std::string &why) {
    TrainRequest request = chain.request();
    change(request);
    const std::string message = refusal(chain.net.working, request);
    INFO(message);
    CHECK(message.find(why) != std::string::npos);
  };
  const std::string name = chain.net.working.model.node(chain.layers[0]).name;
  refused([](TrainRequest &r) { r.folds[1].node = r.folds[0].node; }, "it is named twice");
  refused([](TrainRequest &r) { r.folds[0].channels = 5; },
          name + "' (ai.onnx Conv, opset 17): its folded normalization cannot be trained: ");
  refused([](TrainRequest &r) { r.folds[0].channels = 5; }, "gamma, beta, mean and variance need 6 numbers each");
  refused([](TrainRequest &r) { r.folds[0].mean = nullptr; }, "gamma, beta, mean and variance need 6 numbers each");
  const std::vector<float> negative(6, -1);
  refused([&](TrainRequest &r) { r.folds[0].variance = negative.data(); }, "a variance is not above -epsilon");
  const Handle relu = chain.net.working.model.value(chain.output).producer;
  refused([&](TrainRequest &r) { r.folds[0].node = relu; }, "only Conv, ConvTranspose and Gemm that store a weight");
  refused([&](TrainRequest &r) { r.normalizations = {relu}; },
          "cannot normalize by the batch: only BatchNormalization");
  refused(
      [&](TrainRequest &r) {
        r.inputs = {chain.net.working.model.node(chain.layers[2]).inputs[0]};
        r.weights = {chain.weights[2]};
      },
      "it does not lie between the inputs and outputs");
  Net shared(3);
  const Handle w = shared.weight({4, 4, 1, 1}), b = shared.weight({4});
  const Handle y = shared.node("Conv", {shared.input({1, 4, 3, 3}), w, b});
  shared.output(shared.node("Conv", {y, w, b}));
  TrainRequest request;
  const std::vector<float> ones(4, 1);
  ht_train_fold fold{};
  fold.struct_size = sizeof(fold);
  fold.node = shared.working.model.value(y).producer;
  fold.gamma = fold.beta = fold.mean = fold.variance = ones.data();
  fold.channels = 4;
  request.folds = {fold};
  CHECK(refusal(shared.working, request).find("its weight is read by other nodes too") != std::string::npos);
}

}  // namespace
}  // namespace halftone::test
