// What is around forward and backward: states, starts, floors, deployed weights, shards.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "random_floats.h"
#include "value_case.h"

namespace halftone::trainer {
namespace {

PointSpec spec_of(std::int64_t least, std::int64_t most, bool symmetric, bool is_weight) {
  PointSpec spec;
  spec.quant_min = least, spec.quant_max = most, spec.symmetric = symmetric, spec.is_weight = is_weight;
  return spec;
}

TEST_CASE("loading and storing give the config's scales again") {
  const std::vector<float> scales{0.125F, 0.5F}, zeros{3, 11};
  for (const MethodDescription &method : fake_quantizer_methods()) {
    INFO(std::string(method.name));
    const bool weight = method.name == "adaround" || method.name == "dorefa", symmetric = method.name == "tqt";
    const auto quantizer = make_fake_quantizer(spec_of(0, 15, symmetric, weight), method.name, {});
    PointState state;
    quantizer->load(state, scales, zeros);
    std::vector<float> stored(2), offsets(2);
    quantizer->store(state, stored, offsets);
    CHECK(stored == scales);
    CHECK(offsets == zeros);
    quantizer->settle(state);
    quantizer->store(state, stored, offsets);
    CHECK(stored == scales);
  }
}

TEST_CASE("after an update scales are positive and offsets in the range") {
  const auto lsq = make_fake_quantizer(spec_of(0, 15, false, false), "lsq-plus", {});
  PointState state{{-0.25F, 0.0F}, {-3.5F, 99.0F}, {}};
  lsq->settle(state);
  CHECK(state.scales == std::vector<float>{0.25F, 1e-8F});
  CHECK(state.offsets == std::vector<float>{0.0F, 15.0F});
  const auto tqt = make_fake_quantizer(spec_of(-8, 7, true, false), "tqt", {});
  PointState exponents{{-300.0F, -2.5F}, {}, {}};
  tqt->settle(exponents);
  std::vector<float> scales(2);
  tqt->store(exponents, scales, {});
  CHECK(scales == std::vector<float>{0x1p-26F, 0.25F});
}

TEST_CASE("offsets are rounded to the nearest even whole number within the range") {
  const PointSpec spec = spec_of(0, 15, false, false);
  CHECK(settled_offset(2.5F, spec) == 2.0F);
  CHECK(settled_offset(3.5F, spec) == 4.0F);
  CHECK(settled_offset(-0.2F, spec) == 0.0F);
  CHECK_FALSE(std::signbit(settled_offset(-0.2F, spec)));
  CHECK(settled_offset(15.6F, spec) == 15.0F);
}

TEST_CASE("a power of two keeps the lower end of an asymmetric range") {
  const auto quantizer = make_fake_quantizer(spec_of(0, 255, false, false), "power-of-two", {});
  PointState state;
  quantizer->load(state, std::vector<float>{0.1F}, std::vector<float>{100});
  CHECK(state.scales[0] == 0.125F);
  CHECK(state.offsets[0] == doctest::Approx(80.0));  // 100 * 0.1 = 80 * 0.125
}

TEST_CASE("AdaRound starts at the weight itself and deploys codes that every rounding keeps") {
  const Grouping grouping{2, 3, 50};
  const std::vector<float> weight = random_floats(grouping.size(), 3, 0.4F);
  for (std::uint32_t rounding = HT_ROUND_HALF_EVEN; rounding <= HT_ROUND_DOWN; ++rounding) {
    PointSpec spec = spec_of(-128, 127, true, true);
    spec.rounding = rounding;
    const auto quantizer = make_fake_quantizer(spec, "adaround", {});
    PointState state;
    quantizer->load(state, std::vector<float>{0.021F, 0.033F, 0.0137F}, {});
    quantizer->initialise(state, weight, grouping);
    std::vector<float> soft(weight.size()), hard(weight.size()), deployed(weight.size()), again(weight.size());
    quantizer->forward(state, grouping, weight.data(), soft.data(), {}, true);
    for (std::size_t i = 0; i < weight.size(); ++i) CHECK(std::fabs(soft[i] - weight[i]) <= 1e-6F);
    for (float &r : state.rounding) r = -r;  // the other way than nearest
    quantizer->forward(state, grouping, weight.data(), hard.data(), {}, false);
    quantizer->deploy(state, grouping, weight.data(), deployed.data());
    make_fake_quantizer(spec, "fixed", {})->forward(state, grouping, deployed.data(), again.data(), {}, false);
    CHECK(again == hard);
    CHECK(hard != soft);
  }
}

TEST_CASE("DoReFa deploys what it computes") {
  const Grouping grouping{1, 4, 30};
  const std::vector<float> weight = random_floats(grouping.size(), 4, 0.7F);
  const PointSpec spec = spec_of(-8, 7, true, true);
  const auto quantizer = make_fake_quantizer(spec, "dorefa", {});
  PointState state;
  quantizer->load(state, std::vector<float>{0.1F, 0.2F, 0.15F, 0.3F}, {});
  std::vector<float> y(weight.size()), deployed(weight.size()), again(weight.size());
  quantizer->forward(state, grouping, weight.data(), y.data(), {}, true);
  quantizer->deploy(state, grouping, weight.data(), deployed.data());
  make_fake_quantizer(spec, "fixed", {})->forward(state, grouping, deployed.data(), again.data(), {}, false);
  CHECK(again == y);
  const std::vector<float> nothing(grouping.size(), 0.0F), dy(grouping.size(), 1.0F);
  quantizer->forward(state, grouping, nothing.data(), y.data(), {}, true);
  CHECK(y == nothing);
  quantizer->backward(state, grouping, nothing.data(), dy.data(), y.data(), {}, {});
  for (const float d : y) CHECK(std::isfinite(d));
}

TEST_CASE("LSQ+ finds the grid of values that lie on one, and never starts worse than the range") {
  test::Fields fields;
  fields.text("initial", "values");
  const PointSpec spec = spec_of(0, 15, false, false);
  const auto quantizer = make_fake_quantizer(spec, "lsq-plus", fields.all());
  std::vector<float> on_grid;
  for (int i = 0; i < 64; ++i) on_grid.push_back(0.3F * static_cast<float>(i % 16 - 5));
  PointState state;
  quantizer->load(state, std::vector<float>{1}, std::vector<float>{0});
  quantizer->initialise(state, on_grid, {1, 1, 64});
  CHECK(state.scales[0] == doctest::Approx(0.3).epsilon(1e-6));
  CHECK(state.offsets[0] == 5.0F);
  const std::vector<float> x = random_floats(4000, 5, 1.0F);
  const auto error_at = [&](const PointState &at) {
    std::vector<float> y(x.size());
    quantizer->forward(at, {1, 1, x.size()}, x.data(), y.data(), {}, false);
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += std::pow(static_cast<double>(y[i] - x[i]), 2);
    return sum;
  };
  const auto [low, high] = std::minmax_element(x.begin(), x.end());
  const float scale = (*high - *low) / 15;
  quantizer->initialise(state, x, {1, 1, x.size()});
  CHECK(error_at(state) < 0.9 * error_at({{scale}, {-*low / scale}, {}}));
}

TEST_CASE("PACT's decay is added to the loss and to the gradient of the clipping value") {
  test::Fields fields;
  fields.number("decay", 0.5).number("alpha", 6);
  const auto quantizer = make_fake_quantizer(spec_of(0, 15, true, false), "pact", fields.all());
  PointState state;
  quantizer->load(state, std::vector<float>{0.1F}, {});
  CHECK(state.scales[0] == 1.5F);
  quantizer->initialise(state, {}, {1, 1, 1});
  CHECK(state.scales[0] == 6.0F);
  double gradient = 1;
  CHECK(quantizer->regularize(state, {}, {&gradient, nullptr, nullptr}) == 9.0);
  CHECK(gradient == 4.0);
}

TEST_CASE("results of one row do not depend on the others") {
  // Shards of a batch: forward and dx of parts are those of the whole; sums agree to rounding.
  const Grouping whole{6, 3, 40}, part{2, 3, 40};
  const std::vector<float> x = random_floats(whole.size(), 8, 1), dy = random_floats(whole.size(), 9, 1);
  for (const char *method : {"fixed", "lsq", "lsq-plus", "pact", "dsq", "qdrop"}) {
    INFO(method);
    const auto quantizer = make_fake_quantizer(spec_of(-8, 7, false, false), method, {});
    PointState state;
    quantizer->load(state, std::vector<float>{0.2F, 0.3F, 0.1F}, std::vector<float>{1, 0, -2});
    std::vector<float> y(x.size()), dx(x.size()), part_y(x.size()), part_dx(x.size());
    std::vector<double> sums(3), part_sums(3);
    Draw draw{42, 7, 3, 1000};
    quantizer->forward(state, whole, x.data(), y.data(), draw, true);
    quantizer->backward(state, whole, x.data(), dy.data(), dx.data(), {sums.data(), nullptr, nullptr}, draw);
    for (std::size_t at = 0; at < x.size(); at += part.size()) {
      draw.first_element = 1000 + at;
      quantizer->forward(state, part, x.data() + at, part_y.data() + at, draw, true);
      quantizer->backward(state, part, x.data() + at, dy.data() + at, part_dx.data() + at,
                          {part_sums.data(), nullptr, nullptr}, draw);
    }
    CHECK(part_y == y);
    CHECK(part_dx == dx);
    for (std::size_t g = 0; g < 3; ++g) CHECK(part_sums[g] == doctest::Approx(sums[g]).epsilon(1e-12));
  }
}

}  // namespace
}  // namespace halftone::trainer
