// The arithmetic of the correction passes against plain loops and formulas.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <mutex>
#include <random>
#include <vector>

#include "passes/correction/gram.h"
#include "passes/correction/layer_moments.h"
#include "passes/correction/patches.h"
#include "passes/correction/rounding.h"

namespace halftone::passes {
namespace {

std::vector<float> random_codes(std::size_t count, int largest, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> code(-largest, largest);
  std::vector<float> out(count);
  for (float &x : out) x = static_cast<float>(code(random));
  return out;
}

std::vector<double> random_gram(std::size_t n, unsigned seed, std::size_t columns) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> x(n * columns), gram(n * n, 0);
  for (std::size_t c = 0; c < columns; ++c) {
    const double shared = normal(random);  // correlated inputs, as those of real layers are
    for (std::size_t r = 0; r < n; ++r) x[c * n + r] = normal(random) + 2 * shared;
  }
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = a; b < n; ++b) {
      for (std::size_t c = 0; c < columns; ++c) gram[a * n + b] += x[c * n + a] * x[c * n + b];
    }
  }
  return gram;
}

double entry(const std::vector<double> &gram, std::size_t n, std::size_t a, std::size_t b) {
  return gram[std::min(a, b) * n + std::max(a, b)];
}

WeightRows random_rows(std::size_t rows, std::size_t columns, float scale, float most, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  WeightRows out;
  out.rows = rows;
  out.columns = columns;
  for (std::size_t i = 0; i < rows * columns; ++i) {
    out.values.push_back(normal(random));
    out.scales.push_back(scale);
    out.low.push_back(-most - 1);
    out.high.push_back(most);
  }
  return out;
}

double row_error(const std::vector<double> &gram, const WeightRows &rows, std::size_t row,
                 const std::vector<float> &codes) {
  double sum = 0;
  const std::size_t n = rows.columns;
  std::vector<double> e(n);
  for (std::size_t c = 0; c < n; ++c) {
    e[c] = static_cast<double>(codes[row * n + c]) * static_cast<double>(rows.scales[row * n + c]) -
           rows.values[row * n + c];
  }
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b < n; ++b) sum += e[a] * e[b] * entry(gram, n, a, b);
  }
  return sum;
}

TEST_CASE("Gram sums are the integers that they should be, in whatever blocks they are taken") {
  for (const int largest : {7, 127, 255, 2047, 4095}) {
    const std::size_t rows = largest == 127 ? 75 : 11, columns = 3001;
    const std::vector<float> x = random_codes(rows * columns, largest, 5);
    std::vector<std::int64_t> expected(rows * rows, 0);
    for (std::size_t p = 0; p < columns; ++p) {
      for (std::size_t a = 0; a < rows; ++a) {
        for (std::size_t b = a; b < rows; ++b) {
          expected[a * rows + b] +=
              static_cast<std::int64_t>(x[p * rows + a]) * static_cast<std::int64_t>(x[p * rows + b]);
        }
      }
    }
    for (const std::size_t part : {columns, std::size_t{512}, std::size_t{37}}) {
      std::vector<double> gram(rows * rows, 0);
      std::mutex lock;
      CodePanels panels(rows, std::max<std::size_t>(part, 128));
      for (std::size_t p = 0; p < columns; p += part) {
        const std::size_t count = std::min(part, columns - p);
        if (panels.room() < count) add_gram(panels, largest, lock, gram.data()), panels.clear();
        panels.append(x.data() + p * rows, count);
      }
      add_gram(panels, largest, lock, gram.data());
      for (std::size_t a = 0; a < rows; ++a) {
        for (std::size_t b = a; b < rows; ++b) CHECK(gram[a * rows + b] == static_cast<double>(expected[a * rows + b]));
      }
    }
  }
  CHECK(exact_positions(127, 127) == 133144);
  CHECK(exact_positions(2047, 2047) == 512);
  CHECK(sums_are_exact(1e6, 2047, 2047));
  CHECK(!sums_are_exact(1e10, 2047, 2047));
}

TEST_CASE("the largest codes of all do not leave what 32 bits hold") {
  for (const double code : {255.0, 2047.0, -4095.0}) {
    const std::size_t rows = 3, columns = 5000;
    const std::vector<float> x(rows * columns, static_cast<float>(code));
    std::vector<double> gram(rows * rows, 0), cross(rows * rows, 0);
    std::mutex lock;
    CodePanels panels(rows, columns), targets(rows, columns);
    panels.append(x.data(), columns);
    targets.append_rows(x.data(), columns, columns);
    add_gram(panels, std::abs(code), lock, gram.data());
    add_cross(targets, std::abs(code), panels, std::abs(code), lock, cross.data());
    CHECK(gram[0] == code * code * 5000);
    CHECK(gram[2] == gram[0]);
    CHECK(gram[3] == 0);
    CHECK(cross == std::vector<double>(rows * rows, gram[0]));
  }
}

TEST_CASE("cross sums are exact") {
  const std::size_t rows = 75, outputs = 34, columns = 701;
  const std::vector<float> x = random_codes(rows * columns, 127, 1), y = random_codes(outputs * columns, 2047, 2);
  std::vector<double> cross(outputs * rows, 0);
  std::mutex lock;
  CodePanels inputs(rows, columns), targets(outputs, columns);
  for (const std::size_t first : {0, 5, 212}) {
    const std::size_t count = first == 0 ? 5 : first == 5 ? 207 : columns - 212;
    inputs.append(x.data() + first * rows, count);
    targets.append_rows(y.data() + first, columns, count);
  }
  add_cross(targets, 2047, inputs, 127, lock, cross.data());
  for (std::size_t o = 0; o < outputs; ++o) {
    for (std::size_t r = 0; r < rows; ++r) {
      double sum = 0;
      for (std::size_t p = 0; p < columns; ++p) {
        sum += static_cast<double>(y[o * columns + p]) * static_cast<double>(x[p * rows + r]);
      }
      CHECK(cross[r * outputs + o] == sum);
    }
  }
}

TEST_CASE("codes are rounded half to even and clamped") {
  CodeGrid grid;
  grid.scale = 0.5;
  grid.zero_point = 3;
  grid.low = 0, grid.high = 10;
  const std::vector<float> x = {0.25F, 0.75F, -0.25F, 1e30F, -9, 0.6F};
  std::vector<float> codes(x.size());
  grid.codes(x.data(), x.size(), 0, codes.data());
  CHECK(codes == std::vector<float>{0, 2, 0, 7, -3, 1});
  grid.codes(x.data(), 1, 0.25, codes.data());
  CHECK(codes[0] == 0);
}

// One spatial axis; y[p] = sum over c, k of w[c][k] x[c][p * stride - pad + k * dilation].
TEST_CASE("a patch matrix times the weight is the convolution") {
  Window w;
  w.kernel = {3, 2};
  w.strides = {2, 1};
  w.dilations = {1, 2};
  w.pads_begin = {1, 0};
  w.pads_end = {1, 2};
  w.output_padding = {0, 0};
  const std::vector<std::int64_t> spatial = {7, 6};
  const std::size_t channels = 2;
  const std::vector<float> x = random_codes(channels * 42, 9, 3), weight = random_codes(channels * 6, 9, 4);
  const Patches patches(w, channels, spatial);
  CHECK(patches.rows() == 12);
  const std::int64_t high = (7 + 2 - 3) / 2 + 1, wide = 6 + 2 - 3 + 1;
  REQUIRE(patches.positions() == static_cast<std::size_t>(high * wide));
  std::vector<float> all(patches.positions() * patches.rows());
  patches.copy(x.data(), 0, 5, all.data());
  patches.copy(x.data(), 5, patches.positions() - 5, all.data() + 5 * patches.rows());
  for (std::int64_t i = 0; i < high; ++i) {
    for (std::int64_t j = 0; j < wide; ++j) {
      float expected = 0, given = 0;
      for (std::int64_t c = 0; c < 2; ++c) {
        for (std::int64_t a = 0; a < 3; ++a) {
          for (std::int64_t b = 0; b < 2; ++b) {
            const std::int64_t r = i * 2 - 1 + a, s = j + b * 2;
            if (r < 0 || r >= 7 || s >= 6) continue;
            expected += weight[static_cast<std::size_t>((c * 3 + a) * 2 + b)] *
                        x[static_cast<std::size_t>((c * 7 + r) * 6 + s)];
          }
        }
      }
      for (std::size_t k = 0; k < 12; ++k) {
        given += weight[k] * all[static_cast<std::size_t>(i * wide + j) * 12 + k];
      }
      CHECK(given == expected);
    }
  }
}

// The transposed convolution as ONNX describes it: every input element adds its weight to the outputs that it meets.
TEST_CASE("patches of a transposed convolution") {
  Window w;
  w.kernel = {3};
  w.strides = {2};
  w.dilations = {2};
  w.pads_begin = {1};
  w.pads_end = {2};
  w.output_padding = {1};
  w.transposed = true;
  const std::size_t channels = 2, extent = 5;
  const std::int64_t positions = (5 - 1) * 2 + 1 + 5 - 3;
  const std::vector<std::int64_t> spatial = {5};
  const std::vector<float> x = random_codes(channels * extent, 9, 3), weight = random_codes(channels * 3, 9, 4);
  std::vector<float> expected(static_cast<std::size_t>(positions), 0);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::int64_t i = 0; i < 5; ++i) {
      for (std::int64_t k = 0; k < 3; ++k) {
        const std::int64_t p = i * 2 + k * 2 - 1;
        if (p < 0 || p >= positions) continue;
        expected[static_cast<std::size_t>(p)] +=
            x[c * extent + static_cast<std::size_t>(i)] * weight[c * 3 + static_cast<std::size_t>(k)];
      }
    }
  }
  const Patches patches(w, channels, spatial);
  REQUIRE(patches.positions() == static_cast<std::size_t>(positions));
  std::vector<float> all(patches.positions() * patches.rows());
  patches.copy(x.data(), 0, patches.positions(), all.data());
  for (std::size_t p = 0; p < patches.positions(); ++p) {
    float given = 0;
    for (std::size_t k = 0; k < 6; ++k) given += weight[k] * all[p * 6 + k];
    CHECK(given == expected[p]);
  }
}

TEST_CASE("SAME pads put the odd one behind or in front") {
  Window w;
  w.kernel = {2};
  w.strides = {1};
  w.dilations = {1};
  w.pads_begin = w.pads_end = w.output_padding = {0};
  w.auto_pad = "SAME_UPPER";
  CHECK(axis_taps(w, 0, 3).index == std::vector<std::int32_t>{0, 1, 1, 2, 2, -1});
  w.auto_pad = "SAME_LOWER";
  CHECK(axis_taps(w, 0, 3).index == std::vector<std::int32_t>{-1, 0, 0, 1, 1, 2});
  w.auto_pad = "VALID";
  CHECK(axis_taps(w, 0, 3).positions == 2);
}

TEST_CASE("no row is left with a larger error than the nearest codes leave") {
  double plain = 0, tuned = 0;
  for (unsigned seed = 0; seed < 30; ++seed) {
    const std::size_t n = 4 + seed, rows = 5;
    const std::vector<double> gram = random_gram(n, seed, seed % 3 == 0 ? n / 2 : 4 * n);  // some singular
    const WeightRows weight = random_rows(rows, n, 0.4F, 7, seed + 100);
    RoundingChoices choices;
    choices.by_activation = seed % 2 == 0;
    choices.sweeps = seed % 4;
    choices.block = 1 + seed % 9;
    const SecondOrderRounding rounding(gram, n, choices);
    RoundingGain gain;
    const std::vector<float> codes = rounding.round(weight, gain);
    double sum = 0;
    for (std::size_t r = 0; r < rows; ++r) {
      std::vector<float> nearest(codes.size());
      for (std::size_t i = 0; i < codes.size(); ++i) nearest[i] = weight.code(i, weight.values[i]);
      const double before = row_error(gram, weight, r, nearest), after = row_error(gram, weight, r, codes);
      CHECK(after <= before * (1 + 1e-9));
      sum += after;
    }
    CHECK(gain.tuned == doctest::Approx(sum).epsilon(1e-9));
    for (std::size_t i = 0; i < codes.size(); ++i) {
      CHECK(codes[i] == std::nearbyint(codes[i]));
      CHECK(codes[i] >= weight.low[i]);
      CHECK(codes[i] <= weight.high[i]);
    }
    plain += gain.plain;
    tuned += gain.tuned;
  }
  CHECK(tuned < 0.5 * plain);
}

// The method as the paper gives it for one row: the inverse itself, from which each done column is eliminated.
std::vector<float> by_elimination(const std::vector<double> &gram, const WeightRows &rows, double damping) {
  const std::size_t n = rows.columns;
  std::vector<std::vector<double>> a(n, std::vector<double>(2 * n, 0));
  double mean = 0;
  for (std::size_t i = 0; i < n; ++i) mean += entry(gram, n, i, i) / static_cast<double>(n);
  for (std::size_t r = 0; r < n; ++r) {
    for (std::size_t c = 0; c < n; ++c) a[r][c] = entry(gram, n, r, c) + (r == c ? damping * mean : 0);
    a[r][n + r] = 1;
  }
  for (std::size_t p = 0; p < n; ++p) {
    const double pivot = a[p][p];
    for (double &x : a[p]) x /= pivot;
    for (std::size_t r = 0; r < n; ++r) {
      const double factor = a[r][p];
      for (std::size_t c = 0; r != p && c < 2 * n; ++c) a[r][c] -= factor * a[p][c];
    }
  }
  std::vector<std::vector<double>> inverse(n, std::vector<double>(n));
  for (std::size_t r = 0; r < n; ++r) {
    for (std::size_t c = 0; c < n; ++c) inverse[r][c] = a[r][n + c];
  }
  std::vector<double> w = rows.values;
  std::vector<float> codes(n);
  for (std::size_t i = 0; i < n; ++i) {
    codes[i] = rows.code(i, w[i]);
    const double lost = (w[i] - static_cast<double>(codes[i]) * static_cast<double>(rows.scales[i])) / inverse[i][i];
    for (std::size_t c = i; c < n; ++c) w[c] -= lost * inverse[i][c];
    const std::vector<double> row = inverse[i];
    for (std::size_t r = 0; r < n; ++r) {
      const double factor = inverse[r][i] / row[i];
      for (std::size_t c = 0; c < n; ++c) inverse[r][c] -= factor * row[c];
    }
  }
  return codes;
}

TEST_CASE("the factor gives the codes that eliminating column by column gives") {
  int compared = 0;
  for (unsigned seed = 0; seed < 20; ++seed) {
    const std::size_t n = 12;
    const std::vector<double> gram = random_gram(n, seed, 40);
    const WeightRows weight = random_rows(1, n, 0.4F, 7, seed);
    RoundingChoices choices;
    choices.by_activation = false;
    choices.sweeps = 0;
    choices.block = 5;
    RoundingGain gain;
    const std::vector<float> codes = SecondOrderRounding(gram, n, choices).round(weight, gain);
    const std::vector<float> expected = by_elimination(gram, weight, choices.damping);
    if (!(row_error(gram, weight, 0, expected) < gain.plain)) continue;  // the nearest codes were taken instead
    CHECK(codes == expected);
    ++compared;
  }
  CHECK(compared > 10);
}

TEST_CASE("independent inputs leave the nearest codes as they are") {
  const std::size_t n = 9;
  std::vector<double> gram(n * n, 0);
  for (std::size_t i = 0; i < n; ++i) gram[i * n + i] = static_cast<double>(1 + i);
  const WeightRows weight = random_rows(3, n, 0.4F, 7, 1);
  RoundingGain gain;
  const std::vector<float> codes = SecondOrderRounding(gram, n, {}).round(weight, gain);
  for (std::size_t i = 0; i < codes.size(); ++i) CHECK(codes[i] == weight.code(i, weight.values[i]));
  CHECK(gain.tuned == gain.plain);
}

TEST_CASE("fitted rows solve the normal equations") {
  const std::size_t n = 7, outputs = 4;
  const std::vector<double> gram = random_gram(n, 3, 30);
  const WeightRows weight = random_rows(2, n, 0.4F, 7, 1);
  std::mt19937 random(2);
  std::normal_distribution<double> normal;
  std::vector<double> cross(outputs * n);
  for (double &x : cross) x = 30 * normal(random);
  RoundingChoices choices;
  choices.ridge = 0.1;
  choices.fits = true;
  const std::vector<double> fitted = SecondOrderRounding(gram, n, choices).fitted(weight, cross, outputs, 1);
  double mean = 0;
  for (std::size_t i = 0; i < n; ++i) mean += entry(gram, n, i, i) / static_cast<double>(n);
  for (std::size_t r = 0; r < 2; ++r) {
    for (std::size_t c = 0; c < n; ++c) {
      double left = 0.1 * mean * (fitted[r * n + c] - weight.values[r * n + c]);
      for (std::size_t k = 0; k < n; ++k) left += fitted[r * n + k] * entry(gram, n, k, c);
      CHECK(left == doctest::Approx(cross[c * outputs + 1 + r]).epsilon(1e-9));
    }
  }
}

TEST_CASE("errors of rows by their moments") {
  const std::size_t n = 6;
  const std::vector<double> gram = random_gram(n, 3, 30);
  const WeightRows weight = random_rows(3, n, 0.4F, 7, 1);
  std::vector<float> codes;
  std::vector<double> e;
  for (std::size_t i = 0; i < weight.values.size(); ++i) {
    codes.push_back(weight.code(i, weight.values[i]));
    e.push_back(static_cast<double>(codes[i]) * static_cast<double>(weight.scales[i]) - weight.values[i]);
  }
  const std::vector<double> errors = moment_errors(gram, n, e);
  REQUIRE(errors.size() == 3);
  for (std::size_t r = 0; r < 3; ++r) CHECK(errors[r] == doctest::Approx(row_error(gram, weight, r, codes)));
}

}  // namespace
}  // namespace halftone::passes
