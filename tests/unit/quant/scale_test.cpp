#include <doctest/doctest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <string>

#include "core/base/error.h"
#include "core/quant/arithmetic.h"

namespace halftone::quant {
namespace {

ht_quant_spec float8_spec(std::uint32_t kind) {
  ht_quant_spec spec = make_spec(8, true, HT_SYMMETRIC);
  spec.kind = kind;
  spec.quant_min = spec.quant_max = 0;
  return spec;
}

TEST_CASE("symmetric scales follow the narrow and the half span") {
  ht_quant_spec spec = make_spec(8, true, HT_SYMMETRIC);
  CHECK(scale_from_range(-3.0F, 2.0F, spec).scale == 3.0F / 127.0F);
  CHECK(scale_from_range(-3.0F, 2.0F, spec).zero_point == 0);
  spec.span = HT_SPAN_HALF;
  CHECK(scale_from_range(-3.0F, 2.0F, spec).scale == static_cast<float>(2.0 * 3.0 / 255.0));
  ht_quant_spec restricted = make_spec(8, true, HT_SYMMETRIC);
  restricted.quant_min = -127;
  CHECK(scale_from_range(-1.0F, 2.0F, restricted).scale == 2.0F / 127.0F);
}

TEST_CASE("an unsigned symmetric range has zero point 0 and its upper side as the span") {
  const Scale scale = scale_from_range(-0.5F, 6.0F, make_spec(8, false, HT_SYMMETRIC));
  CHECK(scale.scale == 6.0F / 255.0F);
  CHECK(scale.zero_point == 0);
}

TEST_CASE("asymmetric scales place zero exactly on a code") {
  const Scale plain = scale_from_range(-1.0F, 3.0F, make_spec(8, false, HT_ASYMMETRIC));
  CHECK(plain.scale == static_cast<float>(4.0 / 255.0));
  CHECK(plain.zero_point == 64);  // 1 / (4 / 255) = 63.75
  CHECK(scale_from_range(-1.0F, 3.0F, make_spec(8, true, HT_ASYMMETRIC)).zero_point == -64);
  // 0 is included on either side.
  CHECK(scale_from_range(2.0F, 3.0F, make_spec(8, false, HT_ASYMMETRIC)).zero_point == 0);
  CHECK(scale_from_range(-3.0F, -2.0F, make_spec(8, false, HT_ASYMMETRIC)).zero_point == 255);
}

TEST_CASE("the zero point rounds half to even") {
  // (hi - lo) / 255 is 1 exactly, so that -lo is the unrounded zero point.
  const ht_quant_spec spec = make_spec(8, false, HT_ASYMMETRIC);
  CHECK(scale_from_range(-2.5F, 252.5F, spec).zero_point == 2);
  CHECK(scale_from_range(-3.5F, 251.5F, spec).zero_point == 4);
}

TEST_CASE("power-of-two scales are rounded up before the zero point is taken") {
  ht_quant_spec spec = make_spec(8, false, HT_ASYMMETRIC);
  spec.scale_form = HT_SCALE_POWER_OF_TWO;
  const Scale scale = scale_from_range(-1.0F, 0.7F, spec);
  CHECK(scale.scale == 0.0078125F);
  CHECK(scale.zero_point == 128);
  ht_quant_spec symmetric = make_spec(8, true, HT_SYMMETRIC);
  symmetric.scale_form = HT_SCALE_POWER_OF_TWO;
  CHECK(scale_from_range(-127.0F, 127.0F, symmetric).scale == 1.0F);  // an exact power stays
  CHECK(scale_from_range(-127.1F, 127.0F, symmetric).scale == 2.0F);
}

TEST_CASE("tiny and huge ranges give a finite positive scale that keeps its form") {
  for (const std::uint32_t form : {HT_SCALE_FREE, HT_SCALE_POWER_OF_TWO}) {
    for (const std::uint32_t symmetry : {HT_SYMMETRIC, HT_ASYMMETRIC}) {
      ht_quant_spec spec = make_spec(2, true, symmetry);
      spec.quant_min = -1;
      spec.quant_max = symmetry == HT_SYMMETRIC ? 1 : 0;
      spec.scale_form = form;
      for (const float bound : {0.0F, FLT_TRUE_MIN, 1e-9F, FLT_MAX}) {
        const Scale scale = scale_from_range(-bound, bound, spec);
        CHECK(std::isfinite(scale.scale));
        CHECK(scale.scale >= kMinScale);
        int exponent = 0;
        if (form == HT_SCALE_POWER_OF_TWO) CHECK(std::frexp(scale.scale, &exponent) == 0.5F);
      }
    }
  }
  CHECK(scale_from_range(0.0F, 0.0F, make_spec(8, true, HT_SYMMETRIC)).scale == kMinScale);
}

TEST_CASE("float8 scales map the largest magnitude onto the largest value") {
  CHECK(scale_from_range(-896.0F, 1.0F, float8_spec(HT_QUANT_F8E4M3FN)).scale == 2.0F);
  CHECK(scale_from_range(-896.0F, 1.0F, float8_spec(HT_QUANT_F8E5M2)).scale == 896.0F / 57344.0F);
}

TEST_CASE("any range: 0 is represented exactly and the ends err by no more than the grid allows") {
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  for (int i = 0; i < 5000; ++i) {
    const float a = normal(random) * std::exp2(normal(random) * 8), b = normal(random) * std::exp2(normal(random) * 8);
    const float lo = std::min(a, b), hi = std::max(a, b);
    const bool is_signed = i % 2 == 0;
    const std::uint32_t bits = 2 + static_cast<std::uint32_t>(i) % 15;
    for (const std::uint32_t symmetry : {HT_SYMMETRIC, HT_ASYMMETRIC}) {
      if (symmetry == HT_SYMMETRIC && !is_signed) continue;
      const ht_quant_spec spec = make_spec(bits, is_signed, symmetry);
      const Scale scale = scale_from_range(lo, hi, spec);
      ht_quantizer q{};
      q.kind = HT_QUANT_INTEGER;
      q.rounding = HT_ROUND_HALF_EVEN;
      q.quant_min = spec.quant_min;
      q.quant_max = spec.quant_max;
      REQUIRE(fake_quantize_one(0.0F, scale.scale, scale.zero_point, q) == 0.0F);
      for (const float end : {lo, hi}) {
        const float back = fake_quantize_one(end, scale.scale, scale.zero_point, q);
        // Half a step of rounding and half a step by which the zero point moved.
        REQUIRE(std::fabs(back - end) <= scale.scale * 1.001F);
      }
    }
  }
}

TEST_CASE("ranges that make no sense are refused") {
  const ht_quant_spec spec = make_spec(8, true, HT_SYMMETRIC);
  CHECK_THROWS_AS(scale_from_range(NAN, 1.0F, spec), Error);
  CHECK_THROWS_AS(scale_from_range(-1.0F, INFINITY, spec), Error);
  CHECK_THROWS_AS(scale_from_range(1.0F, -1.0F, spec), Error);
}

TEST_CASE("specs of every width are accepted as made") {
  for (std::uint32_t bits = 2; bits <= 32; ++bits) {
    const ht_quant_spec spec = make_spec(bits, true, HT_SYMMETRIC);
    CHECK(spec.quant_min == -(std::int64_t{1} << (bits - 1)));
    CHECK(spec.quant_max == (std::int64_t{1} << (bits - 1)) - 1);
    if (bits < 32) CHECK(make_spec(bits, false, HT_ASYMMETRIC).quant_max == (std::int64_t{1} << bits) - 1);
  }
  CHECK_THROWS_AS(make_spec(1, true, HT_SYMMETRIC), Error);
  CHECK_THROWS_AS(make_spec(33, true, HT_SYMMETRIC), Error);
  CHECK_THROWS_AS(make_spec(32, false, HT_ASYMMETRIC), Error);
}

TEST_CASE("inconsistent specs are refused with the reason") {
  const auto complaint = [](const std::function<void(ht_quant_spec &)> &spoil, bool float8 = false) -> std::string {
    ht_quant_spec spec = float8 ? float8_spec(HT_QUANT_F8E4M3FN) : make_spec(8, true, HT_SYMMETRIC);
    check_spec(spec);
    spoil(spec);
    try {
      check_spec(spec);
    } catch (const Error &error) {
      CHECK(error.status() == Status::kInvalidArgument);
      return error.message();
    }
    return "accepted";
  };
  CHECK(complaint([](auto &s) { s.bits = 4; }) ==
        "the range [-128, 127] does not fit 4 signed bits, which hold [-8, 7]");
  CHECK(complaint([](auto &s) { s.quant_min = 127; }) == "quant_min 127 is not below quant_max 127");
  CHECK(complaint([](auto &s) { s.quant_min = 1; }) ==
        "the range [1, 127] does not contain 0, which symmetric quantization maps to 0");
  CHECK(complaint([](auto &s) { s.kind = 9; }) == "unknown kind code 9; known are 1 to 3");
  CHECK(complaint([](auto &s) { s.symmetry = 0; }) == "unknown symmetry code 0; known are 1 to 2");
  CHECK(complaint([](auto &s) { s.rounding = 8; }) == "unknown rounding code 8; known are 1 to 7");
  CHECK(complaint([](auto &s) { s.dynamic = 2; }) == "dynamic is 2; it is 0 or 1");
  const auto per_channel = [](auto &s) { s.granularity = HT_PER_CHANNEL, s.axis = -1; };
  CHECK(complaint(per_channel) == "axis -1; per-channel and per-block need an axis in 0..15");
  CHECK(complaint([](auto &s) { s.granularity = HT_PER_BLOCK; }) == "block size 0; it must be positive");
  CHECK(complaint([](auto &s) { s.symmetry = HT_ASYMMETRIC; }, true) == "float8 has no zero point; use symmetric");
  CHECK(complaint([](auto &s) { s.bits = 16; }, true) == "float8 has 8 bits, not 16");
  CHECK(complaint([](auto &s) { s.is_signed = 0; }, true) == "float8 is signed; set is_signed");
  CHECK(complaint([](auto &s) { s.rounding = HT_ROUND_UP; }, true) == "float8 rounds half to even only");
}

}  // namespace
}  // namespace halftone::quant
