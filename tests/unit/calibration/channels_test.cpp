// Layouts and channels: one logical tensor in any layout gives the same bytes, and channels are those of a plain loop.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/calibration/accumulator.h"
#include "tests/unit/calibration/samples.h"
#include "tests/unit/quant/vector_targets.h"

namespace halftone::calibration {
namespace {

using test::Tensor;

std::vector<std::int64_t> coordinates(const std::vector<std::int64_t> &shape, std::size_t i) {
  std::vector<std::int64_t> at(shape.size());
  auto rest = static_cast<std::int64_t>(i);
  for (std::size_t k = shape.size(); k-- > 0;) {
    at[k] = rest % shape[k];
    rest /= shape[k];
  }
  return at;
}

Tensor plain_tensor(const std::vector<std::int64_t> &shape, std::mt19937 &random) {
  Tensor t{shape, {}, std::vector<float>(test::element_count(shape))};
  for (float &x : t.data) x = test::moderate(random);
  return t;
}

// The same values in a layout with the given strides; what lies between is poison.
Tensor scattered(const Tensor &plain, std::vector<std::int64_t> strides, std::uint32_t axis, std::uint32_t block) {
  Tensor t{plain.shape, std::move(strides), {}, 0, axis, block};
  const auto offset = [&](std::size_t i) {
    const std::vector<std::int64_t> at = coordinates(t.shape, i);
    std::int64_t sum = 0;
    for (std::size_t k = 0; k < at.size(); ++k) {
      sum += block != 0 && k == axis ? at[k] / block * t.strides[k] + at[k] % block : at[k] * t.strides[k];
    }
    return sum;
  };
  std::int64_t low = 0, high = 0;
  for (std::size_t i = 0; i < plain.data.size(); ++i) {
    low = std::min(low, offset(i));
    high = std::max(high, offset(i));
  }
  t.first = static_cast<std::size_t>(-low);
  t.data.assign(static_cast<std::size_t>(high - low) + 1 + block, NAN);
  for (std::size_t i = 0; i < plain.data.size(); ++i) {
    t.data[static_cast<std::size_t>(offset(i) - low)] = plain.data[i];
  }
  return t;
}

// Strides of a dense tensor whose axes lie in memory in this order, outermost first.
std::vector<std::int64_t> strides_in_order(const std::vector<std::int64_t> &shape,
                                           const std::vector<std::size_t> &order, std::int64_t gap) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t step = 1;
  for (std::size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = step;
    step = step * shape[order[i]] + gap;
  }
  return strides;
}

// Blocked as oneDNN does it: the axis in blocks, the lanes of a block innermost.
Tensor blocked(const Tensor &plain, std::uint32_t axis, std::uint32_t block, std::int64_t gap) {
  std::vector<std::int64_t> strides(plain.shape.size());
  std::int64_t step = block;
  for (std::size_t k = plain.shape.size(); k-- > 0;) {
    strides[k] = step;
    step = step * (k == axis ? (plain.shape[k] + block - 1) / block : plain.shape[k]) + gap;
  }
  Tensor t = scattered(plain, strides, axis, block);
  // The whole padding of the last block belongs to the memory.
  t.data.resize(std::max(t.data.size(), static_cast<std::size_t>(step)), NAN);
  return t;
}

std::string observed(Tensor t, const Request &request) {
  Accumulator a(request);
  REQUIRE(a.observe(t.view()));
  return a.serialize();
}

std::vector<Request> requests(std::uint32_t axis) {
  Request histogram, range, all;
  histogram.histogram = true;
  range.channel_range = true;
  all.histogram = all.channel_range = all.channel_moments = true;
  range.channel_axis = all.channel_axis = axis;
  return {Request{}, histogram, range, all};
}

TEST_CASE("plain, permuted, gapped, mirrored and blocked layouts give the same bytes") {
  std::mt19937 random(1);
  const std::vector<std::vector<std::int64_t>> shapes{{1, 16, 5, 7}, {1, 20, 6, 6}, {2, 3, 4, 5}, {3, 40},
                                                      {1, 1, 9, 9},  {2, 8, 1, 1},  {2, 17, 33},  {1, 300, 3}};
  for (const std::vector<std::int64_t> &shape : shapes) {
    const Tensor plain = plain_tensor(shape, random);
    for (std::uint32_t axis = 0; axis < shape.size(); ++axis) {
      for (const Request &request : requests(axis)) {
        const std::string expected = observed(plain, request);
        std::vector<std::size_t> order(shape.size());
        std::iota(order.begin(), order.end(), 0U);
        for (int round = 0; round < 3; ++round) {
          std::shuffle(order.begin(), order.end(), random);
          CHECK(observed(scattered(plain, strides_in_order(shape, order, 0), 0, 0), request) == expected);
          CHECK(observed(scattered(plain, strides_in_order(shape, order, 3), 0, 0), request) == expected);
          std::vector<std::int64_t> mirrored = strides_in_order(shape, order, 1);
          mirrored[random() % mirrored.size()] *= -1;
          CHECK(observed(scattered(plain, mirrored, 0, 0), request) == expected);
        }
        for (const std::uint32_t block : {4U, 8U, 16U}) {
          for (std::uint32_t block_axis = 0; block_axis < shape.size(); ++block_axis) {
            CHECK(observed(blocked(plain, block_axis, block, 0), request) == expected);
            CHECK(observed(blocked(plain, block_axis, block, 2), request) == expected);
            Tensor without_strides = blocked(plain, block_axis, block, 0);
            without_strides.strides.clear();
            CHECK(observed(without_strides, request) == expected);
          }
        }
      }
    }
  }
}

TEST_CASE("a scalar and a row are tensors too") {
  Tensor scalar{{}, {}, {2.5F}};
  Accumulator a;
  REQUIRE(a.observe(scalar.view()));
  CHECK(a.count() == 1);
  CHECK(a.maximum() == 2.5F);
  Tensor every_second{{3}, {2}, {1.0F, NAN, 5.0F, NAN, -2.0F}};
  REQUIRE(a.observe(every_second.view()));
  CHECK(a.count() == 4);
  CHECK(a.minimum() == -2.0F);
}

TEST_CASE("every instruction set gives the same bytes") {
  std::mt19937 random(2);
  const Tensor plain = plain_tensor({2, 19, 11, 13}, random);
  const Request all = requests(1).back();
  std::vector<std::string> results;
  test::for_each_vector_target([&](const char *) {
    results.push_back(observed(plain, all));
    results.push_back(observed(blocked(plain, 1, 8, 0), all));
    results.push_back(observed(blocked(plain, 1, 16, 0), all));
  });
  for (const std::string &result : results) CHECK(result == results[0]);
}

TEST_CASE("channel ranges and moments are those of a plain loop") {
  std::mt19937 random(3);
  for (std::uint32_t axis = 0; axis < 3; ++axis) {
    std::vector<Tensor> samples;
    std::vector<std::int64_t> shape{4, 5, 6};
    Request request = requests(axis).back();
    Accumulator a(request);
    const auto channels = static_cast<std::size_t>(shape[axis]);
    std::vector<float> low(channels, INFINITY), high(channels, -INFINITY);
    std::vector<long double> sum(channels), squares(channels), size(channels);
    std::uint64_t each = 0;
    for (int n = 0; n < 10; ++n) {
      shape[(axis + 1) % 3] = 1 + static_cast<std::int64_t>(random() % 9);  // other extents may change
      Tensor t = plain_tensor(shape, random);
      REQUIRE(a.observe(t.view()));
      each += t.data.size() / channels;
      for (std::size_t i = 0; i < t.data.size(); ++i) {
        const auto c = static_cast<std::size_t>(coordinates(shape, i)[axis]);
        const long double x = t.data[i];
        low[c] = std::min(low[c], t.data[i]);
        high[c] = std::max(high[c], t.data[i]);
        sum[c] += x;
        squares[c] += x * x;
        size[c] += std::fabs(x);
      }
    }
    CHECK(a.channel_count() == each);
    REQUIRE(a.channel_sum().size() == channels);
    for (std::size_t c = 0; c < channels; ++c) {
      CHECK(a.channel_minimum()[c] == low[c]);
      CHECK(a.channel_maximum()[c] == high[c]);
      // Rounding errors of a few hundred additions, relative to what was added.
      CHECK(std::fabs(static_cast<double>(a.channel_sum()[c].to_double() - sum[c])) <=
            1e-13 * static_cast<double>(size[c]));
      CHECK(std::fabs(static_cast<double>(a.channel_square_sum()[c].to_double() - squares[c])) <=
            1e-13 * static_cast<double>(squares[c]));
    }
  }
}

TEST_CASE("a channel sum beyond its range is an error") {
  Request request;
  request.channel_moments = true;
  Accumulator a(request);
  Tensor t{{1, 1, 2}, {}, {3e38F, 1.0F}};
  CHECK_THROWS_AS((void)a.observe(t.view()), Error);
}

}  // namespace
}  // namespace halftone::calibration
