#include <doctest/doctest.h>

#include "tests/unit/passes/balanced_net.h"

namespace halftone::test {
namespace {

using Ints = std::vector<std::int64_t>;

// Layers, relays, sums and concatenations by dice, with outputs in the middle and weights that two layers read.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : net_(seed), random_(seed) {}

  BalancedNet make() {
    open_.push_back({net_.input({1, 4, 8, 8}), 4});
    const std::uint64_t steps = 6 + roll(10);
    for (std::uint64_t i = 0; i < steps; ++i) step();
    if (roll(4) == 0) net_.output(pick().value);
    const Open last = open_.back();
    const model::Handle flat = net_.node("Flatten", {roll(2) == 0 ? net_.node("GlobalAveragePool", {last.value})
                                                                  : net_.node("GlobalMaxPool", {last.value})});
    net_.output(net_.node("Gemm", {flat, net_.weight({5, last.channels}, 1), net_.weight({5})},
                          {{"transB", {std::int64_t{1}}}}));
    for (const Open &o : open_) {
      if (net_.model.value(o.value).consumers.empty()) net_.output(net_.conv(o.value, o.channels, 3));
    }
    return std::move(net_);
  }

 private:
  struct Open {
    model::Handle value;
    std::int64_t channels;
  };
  std::uint64_t roll(std::uint64_t sides) { return random_() % sides; }
  Open pick() { return open_[open_.size() - 1 - roll(std::min<std::size_t>(open_.size(), 3))]; }

  void step() {
    const Open x = pick();
    switch (roll(9)) {
      case 0:
      case 1:
      case 2:
        return layer(x);
      case 3:
        return shared(x);
      case 4:
        return relay(x);
      case 5:
        return clip(x);
      case 6:
        return sum(x);
      case 7:
        return constant(x);
      default:
        open_.push_back({net_.node("Concat", {x.value, open_.back().value}, {{"axis", {std::int64_t{1}}}}),
                         x.channels + open_.back().channels});
    }
  }

  void layer(const Open &x) {
    const std::uint64_t kind = roll(4);  // dense, depthwise, two groups, transposed
    const std::int64_t groups = kind == 1 ? x.channels : (kind == 2 && x.channels % 2 == 0 ? 2 : 1);
    const std::int64_t out = groups * static_cast<std::int64_t>(1 + roll(kind == 1 ? 2 : 5));
    if (kind == 3) {
      const model::Handle w = net_.weight({x.channels, out, 3, 3}, 1);
      open_.push_back(
          {net_.node("ConvTranspose", {x.value, w, net_.weight({out})}, {{"pads", {Ints{1, 1, 1, 1}}}}), out});
    } else {
      open_.push_back({net_.conv(x.value, x.channels, out, groups, roll(2) == 0 ? 1 : 3), out});
    }
    if (roll(2) == 0) relay(open_.back());
  }

  void shared(const Open &x) {
    const model::Handle w = net_.weight({x.channels, x.channels, 1, 1}, 0), b = net_.weight({x.channels});
    const model::Handle once = net_.node("Relu", {net_.node("Conv", {x.value, w, b})});
    open_.push_back({net_.node("Conv", {once, w, b}), x.channels});
  }

  void relay(const Open &x) {
    static const char *const kOps[] = {"Relu",     "LeakyRelu", "MaxPool", "AveragePool",
                                       "Identity", "Sigmoid",   "PRelu",   "Neg"};
    const std::string op = kOps[roll(8)];
    Attributes attributes;
    if (op.ends_with("Pool")) attributes = {{"kernel_shape", {Ints{3, 3}}}, {"pads", {Ints{1, 1, 1, 1}}}};
    std::vector<model::Handle> inputs = {x.value};
    if (op == "PRelu") inputs.push_back(net_.weight({x.channels, 1, 1}));
    open_.push_back({net_.node(op, inputs, attributes), x.channels});
  }

  void clip(const Open &x) {
    open_.push_back({net_.node("Clip", {x.value, net_.scalar(0), net_.scalar(6)}), x.channels});
  }

  void constant(const Open &x) {
    const model::Handle c = net_.weight({1, x.channels, 1, 1});
    open_.push_back({roll(2) == 0 ? net_.node("Add", {x.value, c}) : net_.node("Mul", {c, x.value}), x.channels});
  }

  void sum(const Open &x) {
    for (const Open &y : open_) {
      if (y.channels != x.channels || y.value == x.value) continue;
      static const char *const kOps[] = {"Add", "Sub", "Max"};
      open_.push_back({net_.node(kOps[roll(3)], {x.value, y.value}), x.channels});
      return;
    }
  }

  BalancedNet net_;
  std::mt19937_64 random_;
  std::vector<Open> open_;
};

TEST_CASE("random nets compute the same after every pass that must not change them") {
  const std::vector<std::pair<const char *, const char *>> passes = {
      {"layerwise-equalization", "{value_threshold: 0}"},
      {"layerwise-equalization", "{value_threshold: 0, level: 1, include_activations: true}"},
      {"cross-layer-equalization", "{level: 2}"},
      {"cross-layer-equalization", "{clip: scale, include_activations: true}"},
      {"bias-absorption", "{}"},
      {"smooth-quant", "{convolutions: true, insert_mul: true}"},
      {"activation-equalization", "{threshold: 1.2, level: 2}"},
      {"channelwise-split", "{expansion: 0.3}"},
      {"channelwise-split", "{method: threshold, value_threshold: 0}"},
      {"weight-split", "{value_threshold: 0.5}"},
      {"matrix-factorization", "{grow: true}"}};
  std::size_t changed = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    for (const auto &[pass, settings] : passes) {
      Invariance test(Dice(seed).make());
      test.run(pass, settings);
      const double change = test.change();
      CHECK_MESSAGE(change < 1e-4, pass << ' ' << settings << " on net " << seed << ": " << change);
      changed += change > 0 ? 1 : 0;
    }
  }
  CHECK(changed > 150);  // the passes found something to do
}

TEST_CASE("random nets compute the same after all passes in a row") {
  for (std::uint64_t seed = 101; seed <= 130; ++seed) {
    Invariance test(Dice(seed).make());
    for (const char *pass : {"cross-layer-equalization", "bias-absorption", "channelwise-split",
                             "layerwise-equalization", "smooth-quant", "activation-equalization", "weight-split"}) {
      test.run(pass);
    }
    CHECK_MESSAGE(test.change() < 1e-4, "net " << seed);
  }
}

}  // namespace
}  // namespace halftone::test
