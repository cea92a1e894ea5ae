// The vector code: bits of the plain formula on every instruction set, and of the kernel's own arithmetic.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/quant/arithmetic.h"
#include "executors/trainer/fake_quantizers/drop_mask.h"
#include "executors/trainer/fake_quantizers/soft_kernel.h"
#include "executors/trainer/fake_quantizers/stair_kernel.h"
#include "executors/trainer/fake_quantizers/step_kernel.h"
#include "executors/trainer/fake_quantizers/wide_steps.h"
#include "random_floats.h"
#include "tests/unit/quant/vector_targets.h"

namespace halftone::trainer {
namespace {

constexpr std::array<Grouping, 9> kGroupings{
    {{1, 1, 1}, {1, 1, 67}, {5, 1, 21}, {1, 3, 27}, {2, 5, 16}, {7, 19, 1}, {3, 4, 7}, {9, 2, 3}, {4, 3, 8}}};

// Values around the ends of the range, at halves between codes, and what is not finite.
std::vector<float> awkward_floats(std::size_t count, unsigned seed, float scale) {
  std::vector<float> x = random_floats(count, seed, 6 * scale);
  const float inf = std::numeric_limits<float>::infinity();
  const float special[] = {0.5F * scale, -0.5F * scale, 7.5F * scale, -8.5F * scale, 7 * scale,
                           -8 * scale,   0.0F,          -0.0F,        inf,           -inf};
  for (std::size_t i = 0; i < count; i += 3) x[i] = special[i / 3 % std::size(special)];
  return x;
}

struct Point {
  Grouping grouping;
  std::vector<float> scales, zeros, x, dy, r;
  StepGrid grid(std::uint32_t rounding) const { return {scales.data(), zeros.data(), -8, 7, rounding}; }
};

Point make_point(Grouping g, unsigned seed) {
  Point p{g, {}, {}, awkward_floats(g.size(), seed, 0.25F), random_floats(g.size(), seed + 1, 1), {}};
  for (std::size_t i = 0; i < g.groups; ++i) {
    p.scales.push_back(0.25F + 0.01F * static_cast<float>(i));
    p.zeros.push_back(static_cast<float>(i % 5) - 2);
  }
  p.r = random_floats(g.size(), seed + 2, 3);
  return p;
}

bool same_bits(float a, float b) {
  return std::memcmp(&a, &b, sizeof(a)) == 0;
}
bool same_bits(double a, double b) {
  return std::memcmp(&a, &b, sizeof(a)) == 0;
}

template <class T>
bool all_same(const std::vector<T> &a, const std::vector<T> &b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!same_bits(a[i], b[i])) return false;
  }
  return true;
}

struct Sums {
  std::vector<double> scales, offsets;
};

double paired(std::vector<double> partial) {
  for (std::size_t width = 8; width > 0; width /= 2) {
    for (std::size_t k = 0; k < width; ++k) partial[k] += partial[k + width];
  }
  return partial[0];
}

// Sums in the order that partial_sums.h promises, written down from its words.
double ordered_sum(Grouping g, std::size_t group, const std::vector<float> &terms) {
  if (g.groups > 1 && g.inner < 8) {
    double sum = 0;
    for (std::size_t i = 0; i < g.inner; ++i) {
      double place = 0;
      for (std::size_t o = 0; o < g.outer; ++o)
        place += static_cast<double>(terms[(o * g.groups + group) * g.inner + i]);
      sum += place;
    }
    return sum;
  }
  std::vector<double> partial(16);
  const std::size_t outer = g.groups == 1 ? 1 : g.outer, inner = g.groups == 1 ? g.outer * g.inner : g.inner;
  for (std::size_t o = 0; o < outer; ++o) {
    for (std::size_t i = 0; i < inner; ++i)
      partial[i % 16] += static_cast<double>(terms[(o * g.groups + group) * inner + i]);
  }
  return paired(partial);
}

Sums plain_backward(const Point &p, std::uint32_t rounding, Bounds bounds, bool counts_error, std::vector<float> &dx) {
  const Grouping g = p.grouping;
  std::vector<float> of_scale(g.size()), of_offset(g.size());
  for (std::size_t i = 0; i < g.size(); ++i) {
    const std::size_t group = i / g.inner % g.groups;
    const float low = -8 - p.zeros[group], high = 7 - p.zeros[group], v = p.x[i] / p.scales[group];
    const float r = static_cast<float>(rounded(static_cast<double>(v), rounding));
    const bool by_code = bounds == Bounds::kCode;
    const bool below = by_code ? r < low : v <= low, above = by_code ? r > high : v >= high;
    of_scale[i] = p.dy[i] * (below ? low : above ? high : counts_error ? r - v : 0.0F);
    of_offset[i] = below || above ? p.dy[i] : 0.0F;
    dx[i] = below || above ? 0.0F : p.dy[i];
  }
  Sums sums;
  for (std::size_t group = 0; group < g.groups; ++group) {
    sums.scales.push_back(1.0 + ordered_sum(g, group, of_scale));  // backward adds to what is there
    sums.offsets.push_back(2.0 - ordered_sum(g, group, of_offset) * static_cast<double>(p.scales[group]));
  }
  return sums;
}

void check_backward(const Point &p, std::uint32_t rounding, Bounds bounds, bool counts_error) {
  std::vector<float> wanted_dx(p.x.size()), dx(p.x.size());
  const Sums wanted = plain_backward(p, rounding, bounds, counts_error, wanted_dx);
  Sums sums{std::vector<double>(p.grouping.groups, 1.0), std::vector<double>(p.grouping.groups, 2.0)};
  steps_backward(p.grid(rounding), p.grouping, p.x.data(), p.dy.data(),
                 {bounds, counts_error, dx.data(), sums.scales.data(), sums.offsets.data()});
  CHECK(all_same(dx, wanted_dx));
  CHECK(all_same(sums.scales, wanted.scales));
  CHECK(all_same(sums.offsets, wanted.offsets));
  std::vector<float> in_place = p.dy;  // dx over dy, sums not wanted
  steps_backward(p.grid(rounding), p.grouping, p.x.data(), in_place.data(),
                 {bounds, counts_error, in_place.data(), nullptr, nullptr});
  CHECK(all_same(in_place, wanted_dx));
}

TEST_CASE("gradients of steps are those of the plain formula, bit for bit") {
  test::for_each_vector_target([](const char *target) {
    INFO(target);
    unsigned seed = 1;
    for (const Grouping &g : kGroupings) {
      for (std::uint32_t rounding = HT_ROUND_HALF_EVEN; rounding <= HT_ROUND_DOWN; ++rounding) {
        const Point p = make_point(g, seed++);
        check_backward(p, rounding, Bounds::kCode, true);
        check_backward(p, rounding, Bounds::kValue, true);
        check_backward(p, rounding, Bounds::kValue, false);
      }
    }
  });
}

TEST_CASE("rounding to steps is the kernel's fake quantization, bit for bit") {
  test::for_each_vector_target([](const char *target) {
    INFO(target);
    unsigned seed = 100;
    for (const Grouping &g : kGroupings) {
      for (std::uint32_t rounding = HT_ROUND_HALF_EVEN; rounding <= HT_ROUND_DOWN; ++rounding) {
        const Point p = make_point(g, seed++);
        std::vector<std::int32_t> zeros(p.zeros.begin(), p.zeros.end());
        ht_quantizer q{};
        q.struct_size = sizeof(q);
        q.kind = HT_QUANT_INTEGER, q.rounding = rounding, q.granularity = HT_PER_CHANNEL, q.axis = 1;
        q.quant_min = -8, q.quant_max = 7, q.count = g.groups, q.scales = p.scales.data(), q.zero_points = zeros.data();
        const std::int64_t shape[] = {static_cast<std::int64_t>(g.outer), static_cast<std::int64_t>(g.groups),
                                      static_cast<std::int64_t>(g.inner)};
        std::vector<float> wanted(p.x.size()), y(p.x.size());
        quant::fake_quantize(p.x, wanted, shape, q);
        steps_forward(p.grid(rounding), g, p.x.data(), y.data());
        CHECK(all_same(y, wanted));
      }
    }
  });
}

TEST_CASE("ranges beyond float32 and float8 round as the kernel does") {
  PointSpec bias, narrow, small_float, wide_float;
  bias.quant_min = -2147483648LL, bias.quant_max = 2147483647LL;
  narrow.quant_min = -8, narrow.quant_max = 7;
  small_float.kind = HT_QUANT_F8E4M3FN;
  wide_float.kind = HT_QUANT_F8E5M2;
  const Grouping g{3, 4, 50};
  for (const PointSpec &spec : {bias, narrow, small_float, wide_float}) {
    const float scale = spec.quant_max > 127 ? 1e-9F : spec.kind == HT_QUANT_INTEGER ? 0.2F : 0.004F;
    const std::vector<float> x = awkward_floats(g.size(), 7, spec.kind == HT_QUANT_INTEGER ? 0.25F : 1.0F);
    const std::vector<float> scales{scale, scale * 2, scale * 3, scale * 0.7F}, zeros(4, 0.0F);
    const std::vector<std::int32_t> no_zeros(4, 0);
    std::vector<float> y(g.size());
    wide_forward(spec, scales.data(), zeros.data(), g, x.data(), y.data());
    ht_quantizer q{};
    q.kind = spec.kind, q.rounding = spec.rounding, q.quant_min = spec.quant_min, q.quant_max = spec.quant_max;
    for (std::size_t i = 0; i < x.size(); ++i) {
      CHECK(same_bits(y[i], quant::fake_quantize_one(x[i], scales[i / g.inner % g.groups], 0, q)));
    }
  }
}

// h and its slope in double.
double soft(double r) {
  return std::clamp(1.2 / (1 + std::exp(-r)) - 0.1, 0.0, 1.0);
}

struct SoftResult {
  std::vector<float> y, hard, dx, rounding, penalty_gradient;
  std::vector<double> sums;
};

SoftResult soft_results(const Point &p) {
  const std::size_t n = p.x.size();
  SoftResult result{std::vector<float>(n), std::vector<float>(n), std::vector<float>(n),
                    std::vector<float>(n), std::vector<float>(n), std::vector<double>(p.grouping.groups)};
  const StepGrid grid = p.grid(HT_ROUND_HALF_EVEN);
  soft_forward(grid, p.grouping, p.x.data(), p.r.data(), result.y.data(), true);
  soft_forward(grid, p.grouping, p.x.data(), p.r.data(), result.hard.data(), false);
  soft_backward(grid, p.grouping, p.x.data(), p.r.data(), p.dy.data(),
                {result.dx.data(), result.rounding.data(), result.sums.data()});
  result.sums.push_back(soft_penalty(p.r.data(), n, 0.5F, 11.5F, result.penalty_gradient.data()));
  return result;
}

TEST_CASE("soft rounding gives the same bits on every instruction set") {
  std::vector<SoftResult> first;
  test::for_each_vector_target([&](const char *target) {
    INFO(target);
    const bool is_first = first.empty();
    for (std::size_t i = 0; i < kGroupings.size(); ++i) {
      const SoftResult now = soft_results(make_point(kGroupings[i], 50 + static_cast<unsigned>(i)));
      if (is_first) first.push_back(now);
      CHECK(all_same(now.y, first[i].y));
      CHECK(all_same(now.hard, first[i].hard));
      CHECK(all_same(now.dx, first[i].dx));
      CHECK(all_same(now.rounding, first[i].rounding));
      CHECK(all_same(now.penalty_gradient, first[i].penalty_gradient));
      CHECK(all_same(now.sums, first[i].sums));
    }
  });
}

TEST_CASE("the soft staircase and random numbers give the same bits on every instruction set") {
  std::vector<std::vector<float>> slopes;
  std::vector<std::vector<double>> sums;
  std::vector<std::vector<std::uint32_t>> masks;
  test::for_each_vector_target([&](const char *target) {
    INFO(target);
    const bool is_first = slopes.empty();
    for (std::size_t i = 0; i < kGroupings.size(); ++i) {
      const Point p = make_point(kGroupings[i], 80 + static_cast<unsigned>(i));
      std::vector<float> dx(p.x.size());
      std::vector<double> sum(p.grouping.groups);
      stair_backward(p.grid(HT_ROUND_HALF_EVEN), {1.7F, 1.4F}, p.grouping, p.x.data(), p.dy.data(), dx.data(),
                     sum.data());
      const DropMask drawn({7, 8, 9, 10 + i}, 0x80000000U, p.x.size() * 3);
      std::vector<std::uint32_t> mask;
      for (std::size_t at = 0; at < p.x.size() * 3; ++at) mask.push_back(drawn.bits(at) & 1);
      if (is_first) slopes.push_back(dx), sums.push_back(sum), masks.push_back(mask);
      CHECK(all_same(dx, slopes[i]));
      CHECK(all_same(sum, sums[i]));
      CHECK(mask == masks[i]);
    }
  });
}

TEST_CASE("the rectified sigmoid and its penalty are exact to rounding over their whole range") {
  std::vector<float> r;
  for (int i = -4000; i <= 4000; ++i) r.push_back(static_cast<float>(i) * 0.01F);
  const float one = 1, zero = 0;
  const std::vector<float> x(r.size(), 0.0F), dy(r.size(), 1.0F);
  std::vector<float> y(r.size()), slope(r.size());
  const StepGrid grid{&one, &zero, -8, 7, HT_ROUND_HALF_EVEN};
  soft_forward(grid, {1, 1, r.size()}, x.data(), r.data(), y.data(), true);
  soft_backward(grid, {1, 1, r.size()}, x.data(), r.data(), dy.data(), {nullptr, slope.data(), nullptr});
  for (const float beta : {20.0F, 8.0F, 2.0F, 1.0F}) {
    double wanted = 0, worst = 0;
    std::vector<float> gradient(r.size());
    const double value = soft_penalty(r.data(), r.size(), 1.0F, beta, gradient.data());
    for (std::size_t i = 0; i < r.size(); ++i) {
      const double at = static_cast<double>(r[i]), sigmoid = 1 / (1 + std::exp(-at)), h = soft(at), centred = 2 * h - 1;
      const double d = h > 0 && h < 1 ? 1.2 * sigmoid * (1 - sigmoid) : 0;
      CHECK(std::fabs(static_cast<double>(y[i]) - h) <= 3e-7);
      // The clamp of h may switch one step of float32 earlier or later.
      if (h > 1e-6 && h < 1 - 1e-6) CHECK(std::fabs(static_cast<double>(slope[i]) - d) <= 3e-7);
      wanted += 1 - std::pow(std::fabs(centred), static_cast<double>(beta));
      const double down = centred == 0
                              ? 0
                              : -2 * static_cast<double>(beta) * d *
                                    std::copysign(std::pow(std::fabs(centred), static_cast<double>(beta) - 1), centred);
      if (h > 1e-6 && h < 1 - 1e-6) worst = std::max(worst, std::fabs(static_cast<double>(gradient[i]) - down));
    }
    CHECK(value == doctest::Approx(wanted).epsilon(1e-6));
    CHECK(worst <= 2e-6 * static_cast<double>(beta));
  }
}

}  // namespace
}  // namespace halftone::trainer
