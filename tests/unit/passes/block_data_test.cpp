// What training blocks rests on: kept values, the order of samples, schedules, rounding that is decided.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <thread>

#include "passes/training/batch_order.h"
#include "passes/training/block_state.h"
#include "passes/training/chosen_blocks.h"
#include "passes/training/counter_random.h"
#include "passes/training/schedules.h"
#include "passes/training/value_store.h"

namespace halftone::test {
namespace {

using passes::mixed;

std::vector<float> made(std::uint64_t key, std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = passes::unit_float(mixed(key, i));
  return values;
}

void put(passes::Column &column, std::uint64_t sample, const std::vector<float> &values) {
  const std::vector<std::int64_t> shape{1, static_cast<std::int64_t>(values.size())};
  column.put(sample, sdk::float_view(values.data(), shape));
}

std::vector<float> get(const passes::Column &column, std::uint64_t sample) {
  std::vector<float> values(column.at(sample).size / sizeof(float));
  column.read(sample, reinterpret_cast<std::byte *>(values.data()));
  return values;
}

TEST_CASE("the store gives back what it got, from memory and from its file") {
  for (const std::uint64_t most : {0UL, 5000UL, 1UL << 20U}) {
    passes::ValueStore store(most);
    const auto a = store.add_column(), b = store.add_column();
    for (std::uint64_t s = 0; s < 20; ++s) put(*a, s, made(s, 100)), put(*b, 19 - s, made(100 + s, 10 + s));
    CHECK(store.held() <= std::max<std::uint64_t>(most, 0));
    CHECK((store.spilled() > 0) == (most < (1U << 20U)));
    for (std::uint64_t s = 0; s < 20; ++s) {
      CHECK(get(*a, s) == made(s, 100));
      CHECK(get(*b, 19 - s) == made(100 + s, 10 + s));
      std::vector<std::byte> buffer;
      CHECK(std::memcmp(a->bytes(s, buffer), made(s, 100).data(), 400) == 0);
    }
    CHECK(a->at(3).rows() == 1);
  }
}

TEST_CASE("what a column held is free again, and a sample can be put anew") {
  passes::ValueStore store(1000);
  auto a = store.add_column();
  put(*a, 0, made(1, 200));
  CHECK(store.held() == 800);
  put(*a, 0, made(2, 100));
  CHECK(store.held() == 400);
  CHECK(get(*a, 0) == made(2, 100));
  put(*a, 1, made(3, 300));  // into the file
  CHECK(store.spilled() == 1200);
  put(*a, 1, made(4, 300));
  CHECK(get(*a, 1) == made(4, 300));
  a.reset();
  CHECK(store.held() == 0);
  const auto b = store.add_column();
  put(*b, 0, made(5, 250));
  CHECK(store.held() == 1000);
  CHECK(get(*b, 0) == made(5, 250));
}

TEST_CASE("a sample that was released takes no room, in memory or in the file") {
  passes::ValueStore store(1000);
  const auto a = store.add_column(), b = store.add_column();
  put(*a, 0, made(1, 200));
  put(*a, 1, made(2, 200));  // into the file
  CHECK(store.spilled() == 800);
  a->release(0);
  CHECK(store.held() == 0);
  put(*b, 0, made(3, 200));
  CHECK(store.held() == 800);
  CHECK(store.spilled() == 800);
  CHECK(get(*a, 1) == made(2, 200));
  a->release(1);
  put(*b, 1, made(4, 200));  // where the other was
  CHECK(b->at(1).offset == 0);
  CHECK(get(*b, 1) == made(4, 200));
  CHECK(get(*b, 0) == made(3, 200));
}

TEST_CASE("samples may come from several threads") {
  passes::ValueStore store(20000);
  const auto column = store.add_column();
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t s = t; s < 200; s += 4) put(*column, s, made(s, 50));
    });
  }
  for (std::thread &each : threads) each.join();
  CHECK(store.spilled() > 0);
  for (std::uint64_t s = 0; s < 200; ++s) CHECK(get(*column, s) == made(s, 50));
}

TEST_CASE("every sample comes once before any comes again, in an order of the seed") {
  const std::vector<std::size_t> classes(24, 0);
  passes::BatchOrder order(classes, 8, 5), same(classes, 8, 5), other(classes, 8, 6);
  bool differs = false;
  for (int epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::uint64_t> seen;
    for (int i = 0; i < 3; ++i) {
      const auto batch = order.next();
      CHECK(batch.size() == 8);
      CHECK(batch == same.next());
      differs = differs || batch != other.next();
      seen.insert(seen.end(), batch.begin(), batch.end());
    }
    std::ranges::sort(seen);
    for (std::uint64_t i = 0; i < 24; ++i) CHECK(seen[i] == i);
  }
  CHECK(differs);
}

TEST_CASE("samples of different shapes never share a batch") {
  std::vector<std::size_t> classes;
  for (std::size_t i = 0; i < 30; ++i) classes.push_back(i % 5 == 0 ? 1 : i == 1 ? 2 : 0);
  passes::BatchOrder order(classes, 4, 1);
  std::vector<std::size_t> seen(3, 0);
  for (int step = 0; step < 100; ++step) {
    const auto batch = order.next();
    for (const std::uint64_t sample : batch) CHECK(classes[sample] == classes[batch.front()]);
    CHECK(batch.size() == (classes[batch.front()] == 2 ? 1 : 4));
    ++seen[classes[batch.front()]];
  }
  for (const std::size_t count : seen) CHECK(count > 0);
}

TEST_CASE("the regularizer waits, then its exponent falls to the last step") {
  const passes::RoundingAnneal anneal{0.01, 0.2, 20, 2};
  CHECK(passes::rounding_term(anneal, 0, 1000).weight == 0);
  CHECK(passes::rounding_term(anneal, 199, 1000).weight == 0);
  CHECK(passes::rounding_term(anneal, 200, 1000).weight == 0.01F);
  CHECK(passes::rounding_term(anneal, 200, 1000).beta == 20);
  CHECK(passes::rounding_term(anneal, 999, 1000).beta == doctest::Approx(2));
  for (std::uint64_t step = 201; step < 1000; ++step) {
    CHECK(passes::rounding_term(anneal, step, 1000).beta < passes::rounding_term(anneal, step - 1, 1000).beta);
  }
  CHECK(passes::rounding_term(anneal, 0, 1).weight == 0);
  CHECK(passes::rounding_term({0.01, 0, 20, 2}, 0, 1).beta == 2);
}

TEST_CASE("learning rates") {
  using enum passes::RateSchedule;
  CHECK(passes::rate_factor(kConstant, 99, 100) == 1);
  CHECK(passes::rate_factor(kCosine, 0, 100) == 1);
  CHECK(passes::rate_factor(kCosine, 50, 100) == doctest::Approx(0.5));
  CHECK(passes::rate_factor(kCosine, 99, 100) < 0.001);
  CHECK(passes::rate_factor(kStep, 49, 100) == 1);
  CHECK(passes::rate_factor(kStep, 50, 100) == doctest::Approx(0.1));
  CHECK(passes::rate_factor(kStep, 67, 100) == doctest::Approx(0.01));
}

ht_config_info config_of(std::uint32_t granularity, std::int32_t axis, std::int32_t block,
                         const std::vector<float> &scales, const std::vector<std::int32_t> &zero_points) {
  ht_config_info info{};
  info.spec.granularity = granularity;
  info.spec.axis = axis;
  info.spec.block_size = block;
  info.spec.quant_min = -8;
  info.spec.quant_max = 7;
  info.scale_count = scales.size();
  info.scales = scales.data();
  info.zero_points = zero_points.data();
  return info;
}

TEST_CASE("decided rounding lies on its code: plain quantization gives it back") {
  const std::vector<std::int64_t> shape{4, 3, 5};
  for (const std::uint32_t granularity : {HT_PER_TENSOR, HT_PER_CHANNEL, HT_PER_BLOCK}) {
    const std::size_t count = granularity == HT_PER_TENSOR ? 1 : granularity == HT_PER_CHANNEL ? 3 : 4 * 2 * 5;
    std::vector<float> scales = made(9, count);
    std::vector<std::int32_t> zeros(count);
    for (std::size_t i = 0; i < count; ++i)
      scales[i] = 0.01F + 0.1F * scales[i], zeros[i] = static_cast<int>(i % 3) - 1;
    const ht_config_info info = config_of(granularity, 1, 2, scales, zeros);
    const std::vector<std::size_t> scale_of = passes::scale_of_elements(info.spec, shape);
    std::vector<float> weight = made(3, 60), rounding = made(4, 60);
    for (float &w : weight) w = (w - 0.5F) * 2;
    for (float &r : rounding) r -= 0.5F;
    const std::vector<float> hard = passes::hard_rounded(weight, rounding, info, shape);
    for (std::size_t i = 0; i < hard.size(); ++i) {
      REQUIRE(scale_of[i] < count);
      const float s = scales[scale_of[i]], z = static_cast<float>(zeros[scale_of[i]]);
      const float code = std::clamp(std::nearbyint(hard[i] / s) + z, -8.0F, 7.0F);
      CHECK((code - z) * s == hard[i]);
      const float wanted = std::clamp(std::floor(weight[i] / s) + (rounding[i] >= 0 ? 1.0F : 0.0F) + z, -8.0F, 7.0F);
      CHECK(code == wanted);
    }
    if (granularity == HT_PER_CHANNEL) CHECK(scale_of[1 * 15 + 2 * 5 + 3] == 2);
    if (granularity == HT_PER_BLOCK) CHECK(scale_of[1 * 15 + 2 * 5 + 3] == (1 * 2 + 1) * 5 + 3);
  }
}

TEST_CASE("names of layers with wildcards") {
  CHECK(passes::matches("/layer1/0/Conv", "/layer1/*"));
  CHECK(passes::matches("conv", "conv"));
  CHECK(passes::matches("abcbc", "*b?"));
  CHECK(passes::matches("", "*"));
  CHECK_FALSE(passes::matches("conv1", "conv"));
  CHECK_FALSE(passes::matches("conv", "conv?"));
  CHECK_FALSE(passes::matches("abc", "*d*"));
}

}  // namespace
}  // namespace halftone::test
