#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/calibration/accumulator.h"
#include "tests/unit/calibration/samples.h"

namespace halftone::calibration {
namespace {

using test::Tensor;

Request everything() {
  Request request;
  request.histogram = request.channel_range = request.channel_moments = true;
  return request;
}

// Samples whose magnitude grows or shrinks by many octaves from one to the next.
std::vector<Tensor> random_samples(std::mt19937 &random, std::size_t count, std::int64_t channels) {
  std::vector<Tensor> samples(count);
  for (Tensor &t : samples) {
    t.shape = {1, channels, static_cast<std::int64_t>(random() % 30)};  // some are empty
    t.data.resize(test::element_count(t.shape));
    const float scale = std::exp2(static_cast<float>(static_cast<int>(random() % 60) - 40));
    for (float &x : t.data) x = test::moderate(random) * (random() % 3 == 0 ? scale : 1e-3F * scale);
    for (float &x : t.data) x = std::clamp(x, -1e8F, 1e8F);
  }
  return samples;
}

Accumulator collect(const std::vector<Tensor> &samples, const Request &request) {
  Accumulator a(request);
  for (Tensor t : samples) REQUIRE(a.observe(t.view()));
  return a;
}

TEST_CASE("the result depends on the samples alone: any order, any shards, any tree of merges") {
  std::mt19937 random(1);
  for (int round = 0; round < 12; ++round) {
    std::vector<Tensor> samples = random_samples(random, 24, 5);
    const std::string whole = collect(samples, everything()).serialize();
    for (int split = 0; split < 4; ++split) {
      std::shuffle(samples.begin(), samples.end(), random);
      std::vector<Accumulator> shards(1 + random() % 6, Accumulator(everything()));
      for (Tensor &t : samples) REQUIRE(shards[random() % shards.size()].observe(t.view()));
      while (shards.size() > 1) {
        std::shuffle(shards.begin(), shards.end(), random);
        const Accumulator last = shards.back();
        shards.pop_back();
        shards[random() % shards.size()].merge(last);
      }
      CHECK(shards[0].serialize() == whole);
      CHECK(shards[0] == collect(samples, everything()));
    }
  }
}

TEST_CASE("merging is commutative and associative, and an empty accumulator changes nothing") {
  std::mt19937 random(2);
  for (int round = 0; round < 10; ++round) {
    const Accumulator a = collect(random_samples(random, 3, 4), everything());
    const Accumulator b = collect(random_samples(random, 3, 4), everything());
    const Accumulator c = collect(random_samples(random, 3, 4), everything());
    Accumulator ab = a, ba = b, ab_c, a_bc, bc = b, with_empty = a, empty(everything());
    ab.merge(b);
    ba.merge(a);
    CHECK(ab == ba);
    ab_c = ab;
    ab_c.merge(c);
    bc.merge(c);
    a_bc = a;
    a_bc.merge(bc);
    CHECK(ab_c == a_bc);
    with_empty.merge(empty);
    CHECK(with_empty == a);
    empty.merge(a);
    CHECK(empty == a);
  }
}

TEST_CASE("an accumulator can be merged with itself") {
  std::mt19937 random(3);
  const Accumulator a = collect(random_samples(random, 4, 3), everything());
  Accumulator twice = a, self = a;
  twice.merge(a);
  self.merge(self);
  CHECK(self == twice);
}

TEST_CASE("a copy is a value") {
  Request request;
  request.histogram = true;
  Accumulator a = test::collect(request, {1.0F, 2.0F});
  const Accumulator before = a;
  const std::string bytes = before.serialize();
  Tensor more = test::vector_tensor({-300.0F, 0.5F});
  REQUIRE(a.observe(more.view()));
  CHECK(before.serialize() == bytes);
  CHECK_FALSE(a == before);
}

TEST_CASE("range, count and zeros are those of the values; a zero extreme has no sign") {
  std::mt19937 random(4);
  for (int round = 0; round < 50; ++round) {
    std::vector<float> values(1 + random() % 20000);
    for (float &x : values) x = test::awkward(random, 2.0F);
    const Accumulator a = test::collect(Request{}, values);
    CHECK(a.minimum() == *std::min_element(values.begin(), values.end()));
    CHECK(a.maximum() == *std::max_element(values.begin(), values.end()));
    CHECK(a.count() == values.size());
    CHECK(a.zeros() == static_cast<std::uint64_t>(std::count(values.begin(), values.end(), 0.0F)));
  }
  for (const std::vector<float> &zeros : {std::vector<float>{0.0F, -0.0F}, std::vector<float>{-0.0F, 0.0F}}) {
    const Accumulator a = test::collect(Request{}, zeros);
    CHECK_FALSE(std::signbit(a.minimum()));
    CHECK_FALSE(std::signbit(a.maximum()));
  }
}

TEST_CASE("empty tensors leave no trace") {
  Accumulator a(everything());
  Tensor empty{{2, 3, 0}, {}, {}};
  REQUIRE(a.observe(empty.view()));
  CHECK(a.count() == 0);
  CHECK(a.channel_count() == 0);
  CHECK(a == Accumulator(everything()));
  CHECK(a.serialize() == Accumulator(everything()).serialize());
  // The number of channels is not fixed by them.
  Tensor other{{1, 2, 1}, {}, {1.0F, 2.0F}};
  CHECK(a.observe(other.view()));
  CHECK(a.channel_count() == 1);
}

TEST_CASE("a value that is not finite is reported wherever it is") {
  for (const float bad : {INFINITY, -INFINITY, NAN}) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{8191}, std::size_t{8192}, std::size_t{19999}}) {
      std::vector<float> values(20000, 1.0F);
      values[at] = bad;
      Accumulator a;
      Tensor t = test::vector_tensor(values);
      CHECK_FALSE(a.observe(t.view()));
    }
  }
}

TEST_CASE("what cannot be observed or merged is refused") {
  const auto refused = [](Tensor t, const Request &request, auto spoil) {
    ht_tensor_view view = t.view();
    spoil(view);
    Accumulator a(request);
    try {
      (void)a.observe(view);
    } catch (const Error &error) {
      return error.status() == Status::kInvalidArgument;
    }
    return false;
  };
  const Tensor t{{1, 2, 3}, {}, {1, 2, 3, 4, 5, 6}};
  CHECK_FALSE(refused(t, everything(), [](ht_tensor_view &) {}));
  CHECK(refused(t, everything(), [](ht_tensor_view &v) { v.dtype = HT_F16; }));
  CHECK(refused(t, everything(), [](ht_tensor_view &v) { v.rank = 1; }));
  CHECK(refused(t, everything(), [](ht_tensor_view &v) { v.data = nullptr; }));
  CHECK(refused(t, everything(), [](ht_tensor_view &v) { v.block_size = 8, v.block_axis = 3; }));
  const std::int64_t negative[] = {1, -2, 3};
  CHECK(refused(t, Request{}, [&](ht_tensor_view &v) { v.shape = negative; }));
  Accumulator a(everything()), b(everything()), c;
  Tensor three{{1, 3}, {}, {1, 2, 3}}, four{{1, 4}, {}, {1, 2, 3, 4}};
  REQUIRE(a.observe(three.view()));
  REQUIRE(b.observe(four.view()));
  CHECK_THROWS_AS((void)a.observe(four.view()), Error);
  CHECK_THROWS_AS(a.merge(b), Error);
  CHECK_THROWS_AS(a.merge(c), Error);
}

TEST_CASE("requests unite, unless they want channels of different axes") {
  Request histogram, range, moments;
  histogram.histogram = true;
  range.channel_range = true;
  range.channel_axis = 3;
  moments.channel_moments = true;
  moments.channel_axis = 3;
  const Request all = unite(unite(histogram, range), moments);
  CHECK(all.histogram);
  CHECK(all.channel_range);
  CHECK(all.channel_moments);
  CHECK(all.channel_axis == 3);
  CHECK(unite(range, histogram) == unite(histogram, range));
  moments.channel_axis = 1;
  CHECK_THROWS_AS(unite(range, moments), Error);
}

}  // namespace
}  // namespace halftone::calibration
