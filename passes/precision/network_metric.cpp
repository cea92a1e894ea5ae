#include "network_metric.h"

#include <algorithm>
#include <string>
#include <utility>

#include "halftone/graph.hpp"
#include "output_loss.h"

namespace halftone::passes {
namespace {

struct Sums {
  double noise = 0;
  std::uint64_t values = 0, classified = 0, agreed = 0, hits = 0, float_hits = 0;
};

std::span<const float> floats_of(const ht_tensor_view &tensor) {
  std::size_t count = 1;
  for (std::uint32_t k = 0; k < tensor.rank; ++k) count *= static_cast<std::size_t>(tensor.shape[k]);
  return {static_cast<const float *>(tensor.data), count};
}

bool is_of_scores(const ht_tensor_view &tensor) {
  return std::count_if(tensor.shape, tensor.shape + tensor.rank, [](std::int64_t extent) { return extent > 1; }) == 1;
}

class Comparison final : public sdk::SampleSink {
 public:
  Comparison(ht_handle first, std::vector<std::int64_t> labels) : first_(first), labels_(std::move(labels)) {}

  void prepare(std::uint32_t workers) override { workers_ = std::vector<Worker>(workers); }

  void see(const sdk::Context &, std::uint32_t worker, std::uint64_t, ht_handle value,
           const ht_tensor_view &tensor) override {
    const std::span<const float> values = floats_of(tensor);
    workers_.at(worker)[value].assign(values.begin(), values.end());
  }

  void see_reference(const sdk::Context &, std::uint32_t worker, std::uint64_t sample, ht_handle value,
                     const ht_tensor_view &tensor) override {
    const std::vector<float> &quantized = workers_.at(worker)[value];
    const std::span<const float> floats = floats_of(tensor);
    Sums &sums = sums_of(sample);
    sums.noise += loss_between({floats, {tensor.shape, tensor.rank}}, {quantized, {tensor.shape, tensor.rank}}, {});
    ++sums.values;
    if (value != first_ || !is_of_scores(tensor)) return;
    ++sums.classified;
    const std::size_t ours = winner(quantized), theirs = winner(floats);
    sums.agreed += ours == theirs ? 1 : 0;
    if (labels_.empty()) return;
    const auto label = static_cast<std::size_t>(labels_.at(sample));
    sums.hits += ours == label ? 1 : 0;
    sums.float_hits += theirs == label ? 1 : 0;
  }

  void reduce(std::uint64_t sample) override {
    const std::scoped_lock lock(mutex_);
    const Sums left = left_[sample];
    left_.erase(sample);
    all_.noise += left.values == 0 ? 0 : left.noise / static_cast<double>(left.values);
    all_.classified += left.classified;
    all_.agreed += left.agreed;
    all_.hits += left.hits;
    all_.float_hits += left.float_hits;
    ++samples_;
  }

  NetworkFigures figures() const {
    NetworkFigures figures;
    figures.noise = samples_ == 0 ? 0 : all_.noise / static_cast<double>(samples_);
    if (all_.classified == 0) return figures;
    const auto share = [&](std::uint64_t of) { return static_cast<double>(of) / static_cast<double>(all_.classified); };
    figures.agreement = share(all_.agreed);
    if (labels_.empty()) return figures;
    figures.top1 = share(all_.hits);
    figures.float_top1 = share(all_.float_hits);
    return figures;
  }

 private:
  using Worker = std::map<ht_handle, std::vector<float>>;
  Sums &sums_of(std::uint64_t sample) {
    const std::scoped_lock lock(mutex_);
    return left_[sample];
  }

  ht_handle first_;
  std::vector<std::int64_t> labels_;
  std::vector<Worker> workers_;
  std::mutex mutex_;  // of what follows
  std::map<std::uint64_t, Sums> left_;
  Sums all_;
  std::uint64_t samples_ = 0;
};

}  // namespace

NetworkFigures measure_network(const sdk::Context &ctx, std::vector<std::int64_t> labels, std::uint64_t samples) {
  const sdk::Graph graph(ctx);
  const std::span<const ht_handle> outputs = graph.outputs(graph.main());
  sdk::SampleRun run;
  run.mode = HT_MODE_SIMULATED;
  run.values.assign(outputs.begin(), outputs.end());
  run.references = run.values;
  run.limit = samples;
  if (run.values.empty()) throw sdk::Failure(HT_FAILED_PRECONDITION, "the model has no outputs to compare");
  Comparison comparison(run.values.front(), std::move(labels));
  sdk::run_samples(ctx, run, comparison);
  return comparison.figures();
}

}  // namespace halftone::passes
