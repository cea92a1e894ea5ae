#include "least_error_ranges.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "halftone/execution.hpp"

namespace halftone::passes {
namespace {

class MagnitudeCounts final : public sdk::SampleSink {
 public:
  MagnitudeCounts(const ChannelClasses &classes, std::span<const double> peaks) : classes_(classes) {
    peak_bits_.reserve(peaks.size());
    for (const double peak : peaks) peak_bits_.push_back(std::bit_cast<std::uint32_t>(static_cast<float>(peak)));
  }
  std::uint64_t bytes() const { return peak_bits_.size() * sizeof(Magnitudes); }

  void prepare(std::uint32_t workers) override {
    counts_.assign(workers, std::vector<Magnitudes>(peak_bits_.size(), Magnitudes{}));
  }

  void see(const sdk::Context &, std::uint32_t worker, std::uint64_t, ht_handle value,
           const ht_tensor_view &tensor) override {
    const Labels &labels = *classes_.labels(value);
    std::size_t inner = 1;
    for (std::size_t axis = labels.axis + 1; axis < tensor.rank; ++axis)
      inner *= static_cast<std::size_t>(tensor.shape[axis]);
    std::size_t outer = 1;
    for (std::size_t axis = 0; axis < labels.axis; ++axis) outer *= static_cast<std::size_t>(tensor.shape[axis]);
    const auto *x = static_cast<const float *>(tensor.data);
    for (std::size_t o = 0; o < outer; ++o) {
      for (const std::uint32_t id : labels.ids) {
        count({x, inner}, peak_bits_[id], counts_[worker][id]);
        x += inner;
      }
    }
  }

  Magnitudes total(std::size_t id) const {
    Magnitudes sum{};
    for (const std::vector<Magnitudes> &worker : counts_) {
      for (std::size_t bin = 0; bin < sum.size(); ++bin) sum[bin] += worker[id][bin];
    }
    return sum;
  }

 private:
  static void count(std::span<const float> values, std::uint32_t peak, Magnitudes &counts) {
    for (const float value : values) {
      const std::uint32_t bits = std::bit_cast<std::uint32_t>(value) & 0x7fffffffU;
      if (bits == 0) continue;  // zero is represented exactly on every grid
      const std::size_t bin = magnitude_bin(peak, bits);
      if (bin != kNoBin) ++counts[bin];
    }
  }

  const ChannelClasses &classes_;
  std::vector<std::uint32_t> peak_bits_;
  std::vector<std::vector<Magnitudes>> counts_;  // by worker and class
};

}  // namespace

std::vector<double> least_error_ranges(const sdk::Context &ctx, const sdk::Graph &graph, const ChannelClasses &classes,
                                       std::span<const double> peaks, const GridOf &grid) {
  sdk::SampleRun run;
  for (const ChannelSite &site : classes.sites) {
    for (const std::size_t i : site.downstream) {
      const WeightedLayer &layer = classes.layers[i].layer;
      run.values.push_back(graph.node(layer.node).input(layer.data_slot));
    }
  }
  std::sort(run.values.begin(), run.values.end());
  run.values.erase(std::unique(run.values.begin(), run.values.end()), run.values.end());
  std::vector<double> ranges(peaks.begin(), peaks.end());
  if (run.values.empty()) return ranges;
  MagnitudeCounts counts(classes, peaks);
  run.sink_worker_bytes = counts.bytes();
  sdk::run_samples(ctx, run, counts);
  for (std::size_t id = 0; id < ranges.size(); ++id) {
    const auto peak = static_cast<float>(ranges[id]);
    if (std::isnormal(peak)) ranges[id] = least_error_range(counts.total(id), peak, grid);
  }
  return ranges;
}

}  // namespace halftone::passes
