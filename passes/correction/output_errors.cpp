#include "output_errors.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace halftone::passes {
namespace {

struct Sums {
  std::vector<double> by_channel;
  double squared = 0, elements = 0;  // elements of each channel

  void add(const Sums &other) {
    by_channel.resize(std::max(by_channel.size(), other.by_channel.size()));
    for (std::size_t c = 0; c < other.by_channel.size(); ++c) by_channel[c] += other.by_channel[c];
    squared += other.squared;
    elements += other.elements;
  }
};

class ErrorSink final : public sdk::SampleSink {
 public:
  explicit ErrorSink(const std::vector<Probe> &probes) : probes_(probes), totals_(probes.size()) {}

  void prepare(std::uint32_t workers) override { quantized_.resize(workers); }

  void see(const sdk::Context &, std::uint32_t worker, std::uint64_t, ht_handle value,
           const ht_tensor_view &tensor) override {
    const auto *data = static_cast<const float *>(tensor.data);
    quantized_[worker][value].assign(data, data + sdk::count_of(tensor));
  }

  void see_reference(const sdk::Context &, std::uint32_t worker, std::uint64_t sample, ht_handle value,
                     const ht_tensor_view &tensor) override {
    const std::vector<float> &quantized = quantized_[worker][value];
    if (quantized.size() != static_cast<std::size_t>(sdk::count_of(tensor))) {
      throw sdk::Failure(HT_FAILED_PRECONDITION, "the value has other elements than before the pass", value);
    }
    for (std::size_t i = 0; i < probes_.size(); ++i) {
      if (probes_[i].value != value) continue;
      const Sums sums = compare(probes_[i], tensor, quantized);
      const std::scoped_lock lock(mutex_);
      waiting_[sample].resize(probes_.size());
      waiting_[sample][i].add(sums);  // a sample that is a sequence comes frame by frame
    }
  }

  void reduce(std::uint64_t sample) override {
    std::vector<Sums> sums;
    {
      const std::scoped_lock lock(mutex_);
      sums = std::move(waiting_[sample]);
      waiting_.erase(sample);
    }
    for (std::size_t i = 0; i < sums.size(); ++i) totals_[i].add(sums[i]);
  }

  std::vector<ProbeError> errors() const {
    std::vector<ProbeError> out(totals_.size());
    for (std::size_t i = 0; i < totals_.size(); ++i) {
      out[i].squared = totals_[i].squared;
      for (const double sum : totals_[i].by_channel) out[i].mean.push_back(sum / std::max(totals_[i].elements, 1.0));
    }
    return out;
  }

 private:
  static Sums compare(const Probe &probe, const ht_tensor_view &tensor, const std::vector<float> &quantized) {
    const auto *reference = static_cast<const float *>(tensor.data);
    const auto rank = static_cast<std::int32_t>(tensor.rank);
    const std::int32_t axis = probe.axis < 0 ? rank + probe.axis : probe.axis;
    std::size_t inner = 1;
    for (std::int32_t k = axis + 1; k < rank; ++k) inner *= static_cast<std::size_t>(tensor.shape[k]);
    const auto channels = static_cast<std::size_t>(tensor.shape[axis]);
    Sums sums;
    sums.by_channel.resize(channels);
    if (channels == 0 || inner == 0) return sums;
    const std::size_t runs = quantized.size() / inner;
    sums.elements = static_cast<double>(quantized.size() / channels);
    for (std::size_t run = 0; run < runs; ++run) {
      double difference = 0;
      for (std::size_t i = run * inner; i < (run + 1) * inner; ++i) {
        const double d = static_cast<double>(quantized[i]) - static_cast<double>(reference[i]);
        difference += d;
        sums.squared += d * d;
      }
      sums.by_channel[run % channels] += difference;
    }
    return sums;
  }

  const std::vector<Probe> &probes_;
  std::vector<std::map<ht_handle, std::vector<float>>> quantized_;  // by worker, of the sample that it is at
  std::mutex mutex_;
  std::map<std::uint64_t, std::vector<Sums>> waiting_;  // for their turn
  std::vector<Sums> totals_;
};

// Where the model says it; what it does not say is charged by the kernel when it comes.
std::uint64_t static_bytes(const sdk::Graph &graph, ht_handle value) {
  const ht_tensor_info type = graph.value(value).info.type;
  std::uint64_t bytes = sizeof(float);
  for (std::uint32_t k = 0; type.known_rank != 0 && k < type.rank; ++k) {
    if (type.shape[k] > 0) bytes *= static_cast<std::uint64_t>(type.shape[k]);
  }
  return bytes;
}

}  // namespace

std::vector<ProbeError> measure_errors(const sdk::Context &ctx, const std::vector<Probe> &probes,
                                       std::uint64_t samples) {
  const sdk::Graph graph(ctx);
  sdk::SampleRun run;
  run.mode = HT_MODE_SIMULATED;
  run.limit = samples;
  for (const Probe &probe : probes) {
    run.values.push_back(probe.value);
    run.sink_worker_bytes += static_bytes(graph, probe.value);
  }
  run.references = run.values;
  ErrorSink sink(probes);
  (void)sdk::run_samples(ctx, run, sink);
  return sink.errors();
}

}  // namespace halftone::passes
