// Times the range searches of the observers on one histogram each, and the sweep that fills histograms beside a plain
// sum of the same values. Prints medians; needs no arguments. One thread.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <random>
#include <vector>

#include "core/calibration/accumulator.h"
#include "plugins/observers/divergence_range.h"
#include "plugins/observers/squared_error_range.h"

namespace {

using namespace halftone;
using observers::Distribution;

volatile double sink;  // what keeps the compiler from leaving the work out

template <typename Body>
double median_milliseconds(int runs, const Body &body) {
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    sink = body();
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::ranges::nth_element(times, times.begin() + runs / 2);
  return times[static_cast<std::size_t>(runs / 2)];
}

struct Bins {
  const char *name = "";
  calibration::Histogram histogram;
  std::uint64_t zeros = 0;
  double minimum = 0, maximum = 0;

  Distribution distribution() const { return {histogram.edges, histogram.counts, zeros, minimum, maximum}; }
};

std::vector<float> drawn(std::size_t count, bool laplace, bool rectified) {
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal;
  std::exponential_distribution<float> size;
  std::vector<float> values(count);
  for (float &x : values) {
    x = laplace ? ((random() & 1) != 0 ? size(random) : -size(random)) : normal(random);
    if (rectified) x = std::max(x, 0.0F);
  }
  return values;
}

calibration::Accumulator seen(const std::vector<float> &values) {
  calibration::Request request;
  request.histogram = true;
  calibration::Accumulator all(request);
  const auto count = static_cast<std::int64_t>(values.size());
  ht_tensor_view view{};
  view.struct_size = sizeof view;
  view.dtype = HT_F32;
  view.rank = 1;
  view.shape = &count;
  view.data = const_cast<float *>(values.data());
  if (!all.observe(view)) std::abort();
  return all;
}

// The bins of the kernel.
Bins log_linear(const char *name, const std::vector<float> &values) {
  const calibration::Accumulator all = seen(values);
  return {name, all.histogram(), all.zeros(), static_cast<double>(all.minimum()), static_cast<double>(all.maximum())};
}

// 4096 equal bins, as other calibrators have them.
Bins linear(const char *name, const std::vector<float> &values) {
  constexpr std::size_t kBins = 4096;
  const auto [low, high] = std::ranges::minmax(values);
  Bins bins{name, {}, 0, static_cast<double>(low), static_cast<double>(high)};
  const double width = (bins.maximum - bins.minimum) / kBins;
  for (std::size_t i = 0; i <= kBins; ++i)
    bins.histogram.edges.push_back(bins.minimum + width * static_cast<double>(i));
  bins.histogram.counts.assign(kBins, 0);
  for (const float x : values) {
    const auto bin = static_cast<std::size_t>((static_cast<double>(x) - bins.minimum) / width);
    if (x == 0) {
      ++bins.zeros;
    } else {
      ++bins.histogram.counts[std::min(bin, kBins - 1)];
    }
  }
  return bins;
}

ht_quant_spec int8(std::uint32_t symmetry) {
  ht_quant_spec spec{};
  spec.struct_size = sizeof(spec);
  spec.kind = HT_QUANT_INTEGER;
  spec.bits = 8;
  spec.quant_min = symmetry == HT_SYMMETRIC ? -128 : 0;
  spec.quant_max = symmetry == HT_SYMMETRIC ? 127 : 255;
  spec.symmetry = symmetry;
  return spec;
}

void time_searches(const Bins &bins) {
  const Distribution d = bins.distribution();
  const int runs = 41;
  const auto kl = [&](bool symmetric) {
    return median_milliseconds(runs, [&] {
      return (symmetric ? observers::symmetric_divergence_range(d, 8) : observers::asymmetric_divergence_range(d, 8))
          .high;
    });
  };
  const auto mse = [&](std::uint32_t symmetry) {
    const ht_quant_spec spec = int8(symmetry);
    return median_milliseconds(runs, [&] { return observers::squared_error_range(d, spec, 0.5).high; });
  };
  std::printf("%-28s%8zu%10.3f%10.3f%10.3f%10.3f\n", bins.name, bins.histogram.counts.size(), kl(true), kl(false),
              mse(HT_SYMMETRIC), mse(HT_ASYMMETRIC));
}

void time_sweep(std::size_t count) {
  const std::vector<float> values = drawn(count, false, false);
  calibration::Accumulator into = seen(values);
  const double sweep = median_milliseconds(9, [&] {
    into = seen(values);
    return static_cast<double>(into.maximum());
  });
  // Eight sums side by side, so that the additions do not wait for each other.
  const double sum = median_milliseconds(9, [&] {
    float parts[64] = {};
    for (std::size_t i = 0; i + 64 <= count; i += 64) {
      for (std::size_t k = 0; k < 64; ++k) parts[k] += values[i + k];
    }
    return static_cast<double>(std::accumulate(parts, parts + 64, 0.0F));
  });
  const double per_element = 1e6 / static_cast<double>(count);
  std::printf("%-28s%8.2f ns an element\n%-28s%8.2f ns an element\n%-28s%8.2f\n", "range and histogram",
              sweep * per_element, "plain sum", sum * per_element, "ratio of bandwidths", sum / sweep);
}

}  // namespace

int main() {
  constexpr std::size_t kValues = 1U << 20;
  std::vector<float> outlier = drawn(kValues, false, false);
  outlier.push_back(1000);
  std::printf("%-28s%8s%10s%10s%10s%10s\n", "milliseconds, 8 bits", "bins", "kl sym", "kl asym", "mse sym", "mse asym");
  time_searches(linear("normal, equal bins", drawn(kValues, false, false)));
  time_searches(linear("laplace, equal bins", drawn(kValues, true, false)));
  time_searches(linear("rectified, equal bins", drawn(kValues, false, true)));
  time_searches(log_linear("normal", drawn(kValues, false, false)));
  time_searches(log_linear("laplace", drawn(kValues, true, false)));
  time_searches(log_linear("rectified", drawn(kValues, false, true)));
  time_searches(log_linear("normal and one of 1000", outlier));
  std::printf("\n%zu MiB of values\n", (std::size_t{64} << 20) * sizeof(float) >> 20);
  time_sweep(std::size_t{64} << 20);
  return 0;
}
