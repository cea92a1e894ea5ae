// Loops over floats against the same written one element at a time, for lengths around those of vectors.
#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "executors/trainer/kernels/elementwise.h"

namespace halftone::trainer {
namespace {

using Floats = std::vector<float>;

// Numbers, and among them all that comparisons treat in a way of their own.
Floats special_floats(std::size_t n, unsigned seed) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const Floats special = {0.0F, -0.0F, kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN(), -1.0F, 1.0F};
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Floats values(n);
  for (float &v : values) v = random() % 4 == 0 ? special[random() % special.size()] : normal(random);
  return values;
}

std::vector<std::uint32_t> bits(const Floats &values) {
  std::vector<std::uint32_t> all;
  for (const float v : values) all.push_back(std::bit_cast<std::uint32_t>(v));
  return all;
}

using Loop = std::function<void(const float *, const float *, float *, std::size_t)>;
using Element = std::function<float(float, float)>;

void check(const Loop &loop, const Element &element) {
  for (std::size_t n = 0; n < 70; ++n) {
    const Floats a = special_floats(n, 1), b = special_floats(n, 2);
    Floats expected(n), got(n + 1, 7.0F), over_a = a, over_b = b;
    for (std::size_t i = 0; i < n; ++i) expected[i] = element(a[i], b[i]);
    loop(a.data(), b.data(), got.data(), n);
    CHECK(got.back() == 7.0F);
    got.pop_back();
    loop(over_a.data(), b.data(), over_a.data(), n);
    loop(a.data(), over_b.data(), over_b.data(), n);
    CHECK(bits(got) == bits(expected));
    CHECK(bits(over_a) == bits(expected));
    CHECK(bits(over_b) == bits(expected));
  }
}

}  // namespace

TEST_CASE("relu, clip and add do what they do to one element, in place as well") {
  check([](const float *a, const float *, float *to, std::size_t n) { relu(a, to, n); },
        [](float a, float) { return a < 0.0F ? 0.0F : a; });
  check([](const float *a, const float *, float *to, std::size_t n) { clip(a, -0.5F, 1.0F, to, n); },
        [](float a, float) {
          const float above = a < -0.5F ? -0.5F : a;
          return above > 1.0F ? 1.0F : above;
        });
  // A sum of two that are not numbers may be either: it is compared by what is one.
  check(
      [](const float *a, const float *b, float *to, std::size_t n) {
        add(a, b, to, n);
        for (std::size_t i = 0; i < n; ++i) to[i] = to[i] == to[i] ? to[i] : 0.0F;
      },
      [](float a, float b) { return a + b == a + b ? a + b : 0.0F; });
}

TEST_CASE("gradients pass where the output was above 0, and within bounds") {
  check([](const float *y, const float *dy, float *to, std::size_t n) { relu_gradient(y, dy, to, n); },
        [](float y, float dy) { return y > 0.0F ? dy : 0.0F; });
  check([](const float *x, const float *dy, float *to, std::size_t n) { clip_gradient(x, -1.0F, 0.5F, dy, to, n); },
        [](float x, float dy) { return x >= -1.0F && x <= 0.5F ? dy : 0.0F; });
}

}  // namespace halftone::trainer
