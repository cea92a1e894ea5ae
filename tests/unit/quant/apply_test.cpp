// Whole tensors: the vector code of every instruction set against the plain functions, and those against the formula.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "core/base/error.h"
#include "core/quant/arithmetic.h"
#include "tests/unit/quant/vector_targets.h"

namespace halftone::quant {
namespace {

using Shape = std::vector<std::int64_t>;

// A quantizer with random entries that owns its arrays.
struct Case {
  Shape shape;
  ht_quantizer q{};
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
  std::vector<float> in;

  // Which entry element `i` of the flattened tensor reads, by index arithmetic over coordinates.
  std::size_t entry_of(std::size_t i) const {
    if (q.granularity == HT_PER_TENSOR) return 0;
    std::vector<std::size_t> at(shape.size());
    for (std::size_t k = shape.size(); k-- > 0;) {
      at[k] = i % static_cast<std::size_t>(shape[k]);
      i /= static_cast<std::size_t>(shape[k]);
    }
    const auto axis = static_cast<std::size_t>(q.axis);
    if (q.granularity == HT_PER_CHANNEL) return at[axis];
    const auto block = static_cast<std::size_t>(q.block_size);
    std::size_t entry = 0;
    for (std::size_t k = 0; k < shape.size(); ++k) {
      const auto extent = static_cast<std::size_t>(shape[k]);
      entry = k == axis ? entry * ((extent + block - 1) / block) + at[k] / block : entry * extent + at[k];
    }
    return entry;
  }
};

std::vector<float> awkward_values(std::size_t count, float scale, std::mt19937 &random) {
  std::normal_distribution<float> normal(0.0F, 60.0F);
  const float specials[] = {0.0F,   -0.0F, INFINITY, -INFINITY,  NAN,  1e-40F, -1e-40F, 3e38F,
                            -3e38F, 1e10F, -1e10F,   8388609.0F, 0.5F, -0.5F,  0x1p24F, -0x1p24F};
  std::vector<float> values(count);
  for (float &x : values) {
    switch (random() % 8) {
      case 0:
        x = specials[random() % std::size(specials)];
        break;
      case 1:  // exact ties
        x = (static_cast<float>(static_cast<int>(random() % 300) - 150) + 0.5F) * scale;
        break;
      case 2:  // anything
        x = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
        break;
      default:
        x = normal(random) * scale;
    }
  }
  return values;
}

Case make_case(const Shape &shape, const ht_quant_spec &spec, std::mt19937 &random) {
  Case c;
  c.shape = shape;
  c.q.struct_size = sizeof(c.q);
  c.q.kind = spec.kind;
  c.q.rounding = spec.rounding;
  c.q.granularity = spec.granularity;
  c.q.quant_min = spec.quant_min;
  c.q.quant_max = spec.quant_max;
  c.q.axis = spec.axis;
  c.q.block_size = spec.block_size;
  c.q.count = entry_count(shape, spec.granularity, spec.axis, spec.block_size);
  std::uniform_real_distribution<float> exponent(-6.0F, 2.0F);
  const bool power_of_two = random() % 2 == 0;  // so that ties are really ties
  const auto width = static_cast<std::uint64_t>(spec.quant_max - spec.quant_min) + 1;
  for (std::uint64_t i = 0; i < c.q.count; ++i) {
    c.scales.push_back(std::exp2(power_of_two ? std::round(exponent(random)) : exponent(random)));
    const auto zero = spec.quant_min + static_cast<std::int64_t>(random() % width);
    c.zero_points.push_back(spec.kind == HT_QUANT_INTEGER ? static_cast<std::int32_t>(zero) : 0);
  }
  c.q.scales = c.scales.data();
  c.q.zero_points = c.zero_points.data();
  std::size_t elements = 1;
  for (const std::int64_t extent : shape) elements *= static_cast<std::size_t>(extent);
  c.in = awkward_values(elements, c.scales.empty() ? 1.0F : c.scales[0], random);
  return c;
}

bool same_bits(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

std::size_t count_differences(const Case &c) {
  std::vector<float> fake(c.in.size()), back(c.in.size()), in_place = c.in;
  std::vector<std::int32_t> codes(c.in.size());
  fake_quantize(c.in, fake, c.shape, c.q);
  fake_quantize(in_place, in_place, c.shape, c.q);
  quantize(c.in, codes, c.shape, c.q);
  dequantize(codes, back, c.shape, c.q);
  std::size_t differences = 0;
  for (std::size_t i = 0; i < c.in.size(); ++i) {
    const std::size_t k = c.entry_of(i);
    const bool right = same_bits(fake[i], fake_quantize_one(c.in[i], c.scales[k], c.zero_points[k], c.q)) &&
                       same_bits(fake[i], in_place[i]) &&
                       codes[i] == quantize_one(c.in[i], c.scales[k], c.zero_points[k], c.q) &&
                       (std::isnan(c.in[i]) || same_bits(fake[i], back[i]));
    if (!right) ++differences;
  }
  return differences;
}

std::vector<ht_quant_spec> schemes() {
  std::vector<ht_quant_spec> specs{make_spec(8, true, HT_SYMMETRIC),  make_spec(8, false, HT_ASYMMETRIC),
                                   make_spec(4, true, HT_ASYMMETRIC), make_spec(16, false, HT_ASYMMETRIC),
                                   make_spec(24, true, HT_SYMMETRIC), make_spec(25, true, HT_ASYMMETRIC),
                                   make_spec(32, true, HT_SYMMETRIC)};
  for (const std::uint32_t kind : {HT_QUANT_F8E4M3FN, HT_QUANT_F8E5M2}) {
    specs.push_back(make_spec(8, true, HT_SYMMETRIC));
    specs.back().kind = kind;
  }
  return specs;
}

TEST_CASE("whole tensors equal the plain functions bit for bit: every mode, granularity and instruction set") {
  const Shape shapes[] = {{1}, {37}, {3, 5}, {2, 67}, {4, 3, 5, 7}, {2, 6, 8, 9}, {1, 130, 2}, {1, 1, 40}, {300, 40}};
  test::for_each_vector_target([&](const char *target) {
    std::mt19937 random(5);
    for (ht_quant_spec spec : schemes()) {
      for (const Shape &shape : shapes) {
        const auto mode = static_cast<std::uint32_t>(1 + random() % HT_ROUND_DOWN);
        spec.rounding = spec.kind == HT_QUANT_INTEGER ? mode : HT_ROUND_HALF_EVEN;
        for (spec.granularity = HT_PER_TENSOR; spec.granularity <= HT_PER_BLOCK; ++spec.granularity) {
          spec.axis = static_cast<std::int32_t>(random() % shape.size());
          spec.block_size = static_cast<std::int32_t>(1 + random() % 9);
          CAPTURE(target);
          CAPTURE(spec.kind);
          CAPTURE(spec.bits);
          CAPTURE(spec.rounding);
          CAPTURE(spec.granularity);
          CAPTURE(spec.axis);
          CHECK(count_differences(make_case(shape, spec, random)) == 0);
        }
      }
    }
  });
}

TEST_CASE("every rounding mode of the vector code, on one long tensor") {
  test::for_each_vector_target([&](const char *target) {
    std::mt19937 random(6);
    for (std::uint32_t rounding = HT_ROUND_HALF_EVEN; rounding <= HT_ROUND_DOWN; ++rounding) {
      ht_quant_spec spec = make_spec(8, true, HT_ASYMMETRIC);
      spec.rounding = rounding;
      CAPTURE(target);
      CAPTURE(rounding);
      CHECK(count_differences(make_case({20011}, spec, random)) == 0);
    }
  });
}

TEST_CASE("the plain functions follow the formula, computed in exact arithmetic") {
  // With power-of-two scales the quotient is exact, so long double and 64-bit integers are an independent oracle.
  std::mt19937 random(8);
  for (const ht_quant_spec &spec : schemes()) {
    if (spec.kind != HT_QUANT_INTEGER) continue;
    Case c = make_case({4000}, spec, random);
    c.scales[0] = 0x1p-9F;
    for (const float x : c.in) {
      if (std::isnan(x)) {
        REQUIRE(std::isnan(fake_quantize_one(x, c.scales[0], c.zero_points[0], c.q)));
        REQUIRE(quantize_one(x, c.scales[0], c.zero_points[0], c.q) == c.zero_points[0]);
        continue;
      }
      const long double moved = std::rint(static_cast<long double>(x) * 512) + c.zero_points[0];
      const auto q = static_cast<std::int64_t>(
          std::clamp(moved, static_cast<long double>(spec.quant_min), static_cast<long double>(spec.quant_max)));
      REQUIRE(quantize_one(x, c.scales[0], c.zero_points[0], c.q) == q);
      REQUIRE(fake_quantize_one(x, c.scales[0], c.zero_points[0], c.q) ==
              static_cast<float>(static_cast<double>(q - c.zero_points[0]) / 512));
    }
  }
}

TEST_CASE("an int32 bias survives: the code is the nearest one far beyond float32's integers") {
  ht_quant_spec spec = make_spec(32, true, HT_SYMMETRIC);
  ht_quantizer q{};
  q.kind = spec.kind;
  q.rounding = spec.rounding;
  q.quant_min = spec.quant_min;
  q.quant_max = spec.quant_max;
  const float scale = 3.1e-7F, bias = 123.456F;
  const double exact = static_cast<double>(bias) / static_cast<double>(scale);
  CHECK(std::fabs(quantize_one(bias, scale, 0, q) - exact) <= 0.5);
  CHECK(std::fabs(fake_quantize_one(bias, scale, 0, q) - bias) <= std::fabs(bias) * 0x1p-23F);
  CHECK(quantize_one(1e30F, scale, 0, q) == std::numeric_limits<std::int32_t>::max());
  CHECK(quantize_one(-1e30F, scale, 0, q) == std::numeric_limits<std::int32_t>::min());
  CHECK(quantize_one(-INFINITY, scale, 0, q) == std::numeric_limits<std::int32_t>::min());
}

TEST_CASE("fake quantization is idempotent") {
  std::mt19937 random(9);
  for (const ht_quant_spec &spec : schemes()) {
    const Case c = make_case({5000}, spec, random);
    std::vector<float> once(5000), twice(5000);
    fake_quantize(c.in, once, c.shape, c.q);
    fake_quantize(once, twice, c.shape, c.q);
    std::size_t differences = 0;
    for (std::size_t i = 0; i < once.size(); ++i) differences += same_bits(once[i], twice[i]) ? 0 : 1;
    CHECK_MESSAGE(differences == 0, "kind ", spec.kind, " bits ", spec.bits);
  }
}

TEST_CASE("entries that do not fit the tensor are refused") {
  std::mt19937 random(10);
  ht_quant_spec spec = make_spec(8, true, HT_SYMMETRIC);
  spec.granularity = HT_PER_CHANNEL;
  spec.axis = 1;
  const Case good = make_case({2, 3, 4}, spec, random);
  std::vector<float> out(24);
  const auto refused = [&](const Case &c) {
    try {
      fake_quantize(c.in, out, c.shape, c.q);
    } catch (const Error &error) {
      return error.status() == Status::kInvalidArgument;
    }
    return false;
  };
  CHECK_FALSE(refused(good));
  const auto spoiled = [&](auto spoil) {
    Case c = good;
    c.q.scales = c.scales.data();
    c.q.zero_points = c.zero_points.data();
    spoil(c);
    return refused(c);
  };
  CHECK(spoiled([](Case &c) { c.q.count = 2; }));
  CHECK(spoiled([](Case &c) { c.q.axis = 3; }));
  CHECK(spoiled([](Case &c) { c.q.axis = -1; }));
  CHECK(spoiled([](Case &c) { c.q.axis = 2; }));
  CHECK(spoiled([](Case &c) { c.shape = {2, 3, 5}; }));
  CHECK(spoiled([](Case &c) { c.shape = {-2, 3, -4}; }));
  CHECK(spoiled([](Case &c) { c.shape = {std::int64_t{1} << 62, 3, 8}; }));
  CHECK(spoiled([](Case &c) { c.scales[1] = 0; }));
  CHECK(spoiled([](Case &c) { c.scales[2] = NAN; }));
  CHECK(spoiled([](Case &c) { c.zero_points[2] = 128; }));
  CHECK(spoiled([](Case &c) { c.q.zero_points = nullptr; }));
  CHECK(spoiled([](Case &c) { c.q.scales = nullptr; }));
  CHECK(spoiled([](Case &c) { c.q.rounding = 0; }));
  CHECK(spoiled([](Case &c) { c.q.kind = 0; }));
  CHECK(spoiled([](Case &c) { c.q.granularity = HT_PER_BLOCK, c.q.block_size = 0; }));
}

TEST_CASE("empty tensors are fine") {
  std::mt19937 random(12);
  ht_quant_spec spec = make_spec(8, true, HT_SYMMETRIC);
  for (spec.granularity = HT_PER_TENSOR; spec.granularity <= HT_PER_BLOCK; ++spec.granularity) {
    spec.axis = 1;
    spec.block_size = 2;
    CHECK(count_differences(make_case({3, 0, 4}, spec, random)) == 0);
    CHECK(count_differences(make_case({0, 3, 4}, spec, random)) == 0);
  }
}

}  // namespace
}  // namespace halftone::quant
