// QDrop and the random numbers behind it.
#include <doctest/doctest.h>

#include <cmath>

#include "executors/trainer/fake_quantizers/philox.h"
#include "value_case.h"

namespace halftone::trainer {
namespace {

TEST_CASE("Philox gives the known answers of its authors") {
  // kat_vectors of Random123: counter, key, result.
  struct Known {
    std::uint32_t counter;
    std::uint64_t key;
    std::uint32_t result[4];
  };
  constexpr Known known[] = {
      {0x00000000U, 0x0000000000000000U, {0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U}},
      {0xffffffffU, 0xffffffffffffffffU, {0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU}},
  };
  for (const Known &row : known) {
    std::uint32_t words[4][1] = {{row.counter}, {row.counter}, {row.counter}, {row.counter}};
    philox(words, row.key);
    for (std::size_t w = 0; w < 4; ++w) CHECK(words[w][0] == row.result[w]);
  }
  std::uint32_t words[4][1] = {{0x243f6a88U}, {0x85a308d3U}, {0x13198a2eU}, {0x03707344U}};
  philox(words, 0x299f31d0a4093822U);
  const std::uint32_t digits_of_pi[4] = {0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U};
  for (std::size_t w = 0; w < 4; ++w) CHECK(words[w][0] == digits_of_pi[w]);
}

struct Run {
  std::vector<float> y, dx;
  double scale = 0;
};

constexpr std::size_t kCount = 20000;

Run run(double keep, const Draw &draw, bool soft = true) {
  test::Fields fields;
  fields.number("keep", keep);
  const auto quantizer = make_fake_quantizer(PointSpec{-8, 7}, "qdrop", fields.all());
  PointState state;
  quantizer->load(state, std::vector<float>{1}, {});
  std::vector<float> x(kCount, 0.25F), dy(kCount, 1.0F);       // 0 when quantized
  for (std::size_t i = 0; i < kCount; i += 2) x[i] = 100.25F;  // 7 when quantized
  Run r{std::vector<float>(kCount), std::vector<float>(kCount)};
  quantizer->forward(state, {1, 1, kCount}, x.data(), r.y.data(), draw, soft);
  quantizer->backward(state, {1, 1, kCount}, x.data(), dy.data(), r.dx.data(), {&r.scale, nullptr, nullptr}, draw);
  return r;
}

std::size_t kept_of(const Run &r) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < kCount; ++i) kept += r.y[i] == (i % 2 == 0 ? 7.0F : 0.0F) ? 1 : 0;
  return kept;
}

TEST_CASE("elements keep their quantization with the probability, forward and backward alike") {
  for (const double keep : {0.5, 0.9, 0.125}) {
    const Run r = run(keep, {1, 2, 3, 0});
    const double deviation = std::sqrt(kCount * keep * (1 - keep));
    CHECK(std::fabs(static_cast<double>(kept_of(r)) - kCount * keep) < 4 * deviation);
    double scale = 0;
    for (std::size_t i = 0; i < kCount; ++i) {
      const bool clipped = i % 2 == 0, kept = r.y[i] == (clipped ? 7.0F : 0.0F);
      if (!kept) CHECK(r.y[i] == (clipped ? 100.25F : 0.25F));
      CHECK(r.dx[i] == (kept && clipped ? 0.0F : 1.0F));
      if (kept) scale += clipped ? 7.0 : -0.25;
    }
    CHECK(r.scale == scale);
  }
}

TEST_CASE("all, none, and evaluation") {
  CHECK(kept_of(run(1, {1, 2, 3, 0})) == kCount);
  CHECK(kept_of(run(0, {1, 2, 3, 0})) == 0);
  CHECK(kept_of(run(0, {1, 2, 3, 0}, false)) == kCount);
}

TEST_CASE("seed, step and point each draw anew; the same draw the same") {
  const Run r = run(0.5, {1, 2, 3, 0});
  CHECK(run(0.5, {1, 2, 3, 0}).y == r.y);
  for (const Draw &other : {Draw{2, 2, 3, 0}, Draw{1, 3, 3, 0}, Draw{1, 2, 4, 0}, Draw{1, 2 + (1ULL << 32), 3, 0},
                            Draw{1 + (1ULL << 32), 2, 3, 0}, Draw{1, 2, 3, 1}}) {
    const Run o = run(0.5, other);
    std::size_t same = 0;
    for (std::size_t i = 0; i < kCount; ++i) same += (o.y[i] == r.y[i]) ? 1 : 0;
    CHECK(std::fabs(static_cast<double>(same) - kCount * 0.5) < 4 * std::sqrt(kCount * 0.25));
  }
}

}  // namespace
}  // namespace halftone::trainer
