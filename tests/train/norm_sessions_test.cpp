// Sessions with normalizations of their own: the order of their sums, and batches that have too little.
#include <doctest/doctest.h>

#include <cmath>

#include "core/base/error.h"
#include "tests/agree/net.h"
#include "tests/train/rig.h"

namespace halftone::test {
namespace {

using model::Handle;

constexpr std::int64_t kNormChannels = 6;

// A normalization, two convolutions, and late another reader of what is normalized, which wants it to lie otherwise.
struct Shortcut {
  Shortcut() : net(7) {
    const Handle x = net.node("Neg", {net.input({1, kNormChannels, 7, 5})});
    Handle y = normalized(x);
    for (int i = 0; i < 2; ++i) y = net.node("Relu", {convolved(y)});
    output = net.node("Add", {y, convolved(x)});
    net.output(output);
  }
  Handle normalized(Handle x) {
    std::vector<Handle> inputs = {x};
    for (int i = 0; i < 4; ++i) inputs.push_back(net.weight({kNormChannels}, 0.5F));
    const Handle y = net.node("BatchNormalization", inputs);
    model::Model &m = net.working.model;
    m.set_initializer(inputs[4], model::Tensor::from_floats({kNormChannels}, std::vector<float>(kNormChannels, 1)));
    learned.insert(learned.end(), {inputs[1], inputs[2]});
    statistics = {inputs[3], inputs[4]};
    norm = m.value(y).producer;
    return y;
  }
  Handle convolved(Handle x) {
    learned.push_back(net.weight({kNormChannels, kNormChannels, 3, 3}, 0.25F));
    return net.node("Conv", {x, learned.back()}, {Net::ints("pads", {1, 1, 1, 1})});
  }
  TrainRequest request(std::uint32_t threads, std::uint64_t memory) const {
    TrainRequest r;
    r.threads = threads;
    r.memory = memory;
    r.weights = learned;
    r.normalizations = {norm};
    r.losses = {loss_of(HT_LOSS_MSE, output)};
    return r;
  }

  Net net;
  std::vector<Handle> learned, statistics;
  Handle norm = HT_NONE, output = HT_NONE;
};

// Noise, but for one value in a row which is so large that a sum which has it forgets all others: at the end of a row,
// and with the other sign at the start of the next. What is left of a sum tells in which order it was made.
Floats spikes(std::int64_t rows) {
  constexpr std::int64_t kArea = 7 * 5;
  Floats x = noise({rows, kNormChannels, 7, 5}, 3);
  for (std::int64_t row = 0; row < rows - rows % 2; ++row) {
    const bool even = row % 2 == 0;
    for (std::int64_t c = 0; c < kNormChannels; ++c) {
      const auto start = static_cast<std::size_t>((row * kNormChannels + c) * kArea);
      x.data[even ? start + kArea - 1 : start] = even ? 0x1p60F : -0x1p60F;
    }
  }
  return x;
}

// Whether all values fit into a memory limit, so that none is computed again: none can be dropped where each is asked
// for.
bool keeps_all_within(std::uint64_t memory, std::uint32_t threads, const Floats &data, const Floats &target) {
  Shortcut net;
  TrainRequest request = net.request(threads, memory);
  const model::Model &m = net.net.working.model;
  for (const Handle node : m.topological_order(m.main_graph())) request.outputs.push_back(m.node(node).outputs.front());
  TrainRig rig(net.net.working, request);
  try {
    rig.accumulate({data}, {target});
    return true;
  } catch (const Error &error) {
    REQUIRE(error.status() == Status::kResourceExhausted);
    return false;
  }
}

TEST_CASE(
    "sums of a normalization are added in one order: the same bytes on any number of threads, computed again too") {
  // 13 rows in 8 shards, of 35 positions each.
  const Floats data = spikes(13), target = noise({13, kNormChannels, 7, 5}, 4);
  std::vector<std::vector<float>> found;
  for (const std::uint64_t memory : {0U, 13U << 10U, 12U << 10U, 10U << 10U}) {
    for (const std::uint32_t threads : {1U, 2U, 3U}) {
      Shortcut net;
      TrainRig rig(net.net.working, net.request(threads, memory * threads));
      rig.accumulate({data}, {target});
      found.push_back(rig.read(HT_LEARNED_STATISTICS, net.statistics[0]));
      INFO("memory ", memory, ", threads ", threads);
      CHECK(keeps_all_within(memory * threads, threads, data, target) == (memory == 0));
    }
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("way ", i);
    CHECK(found[i] == found[0]);
  }
}

// One layer on pictures of a single position.
struct NormPoint {
  explicit NormPoint(bool folded) : net(9) {
    const Handle x = net.input({1, kNormChannels, 1, 1});
    request.weights = {net.weight({4, kNormChannels, 1, 1}, 0.5F), net.weight({4})};
    Handle y = net.node("Conv", {x, request.weights[0], request.weights[1]});
    layer = net.working.model.value(y).producer;
    if (folded) {
      fold.struct_size = sizeof(fold);
      fold.batch_statistics = 1;
      fold.node = layer;
      fold.gamma = fold.beta = fold.mean = fold.variance = ones.data();
      fold.channels = 4;
      request.folds = {fold};
    } else {
      std::vector<Handle> inputs = {y};
      for (int i = 0; i < 4; ++i) {
        inputs.push_back(net.weight({4}));
        net.working.model.set_initializer(inputs.back(), model::Tensor::from_floats({4}, ones));
      }
      y = net.node("BatchNormalization", inputs);
      mean = inputs[3];
      request.normalizations = {net.working.model.value(y).producer};
    }
    net.output(y);
    request.losses = {loss_of(HT_LOSS_MSE, y)};
  }
  std::vector<float> running_mean(TrainRig &rig) const {
    return mean == HT_NONE ? rig.read(HT_LEARNED_STATISTICS, layer, HT_FOLD_MEAN)
                           : rig.read(HT_LEARNED_STATISTICS, mean);
  }

  Net net;
  const std::vector<float> ones = std::vector<float>(4, 1);
  ht_train_fold fold{};
  TrainRequest request;
  Handle layer = HT_NONE, mean = HT_NONE;
};

TEST_CASE("one sample of one position has no variance and is refused; two samples have one") {
  for (const bool folded : {true, false}) {
    for (const std::uint64_t memory : {0U, 1U << 20U}) {
      INFO("folded ", folded, ", memory ", memory);
      NormPoint point(folded);
      point.request.memory = memory;
      TrainRig rig(point.net.working, point.request);
      const auto before = point.running_mean(rig);
      try {
        rig.accumulate({noise({1, kNormChannels, 1, 1}, 1)}, {noise({1, 4, 1, 1}, 2)});
        FAIL("a batch of one value was normalized");
      } catch (const Error &error) {
        CHECK(error.message().find("a batch with one value for each channel cannot be normalized by itself; take a "
                                   "larger batch") != std::string::npos);
      }
      CHECK(point.running_mean(rig) == before);
      // By the running statistics one sample is enough.
      CHECK_NOTHROW(rig.evaluate({noise({1, kNormChannels, 1, 1}, 1)}));
      // Two samples, of which each shard has one.
      rig.accumulate({noise({2, kNormChannels, 1, 1}, 1)}, {noise({2, 4, 1, 1}, 2)});
      rig.update(1e-2F);
      const auto after = point.running_mean(rig);
      for (std::size_t c = 0; c < after.size(); ++c) CHECK((std::isfinite(after[c]) && after[c] != before[c]));
    }
  }
}

}  // namespace
}  // namespace halftone::test
