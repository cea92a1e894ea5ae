#include "channel_sample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "halftone/execution.hpp"

namespace halftone::passes {
namespace {

constexpr std::uint64_t kPositions = 512;

struct Part {
  std::vector<double> low, high, sum, square;
  std::vector<float> rows;
  double elements = 0;  // of each channel
};

// Even steps through the positions, from a start that differs from sample to sample.
std::size_t position(std::uint64_t sample, std::uint64_t number, std::uint64_t each, std::size_t count) {
  const double golden = 0.6180339887498949 * static_cast<double>(sample * each + number + 1);
  return std::min(static_cast<std::size_t>((golden - std::floor(golden)) * static_cast<double>(count)), count - 1);
}

Part part_of(const ht_tensor_view &tensor, std::size_t axis, std::uint64_t sample, std::uint64_t each) {
  const auto *data = static_cast<const float *>(tensor.data);
  const auto channels = static_cast<std::size_t>(tensor.shape[axis]);
  std::size_t inner = 1;
  for (std::size_t k = axis + 1; k < tensor.rank; ++k) inner *= static_cast<std::size_t>(tensor.shape[k]);
  const std::size_t count = static_cast<std::size_t>(sdk::count_of(tensor)), outer = count / (channels * inner);
  Part part;
  part.low.assign(channels, std::numeric_limits<double>::infinity());
  part.high.assign(channels, -std::numeric_limits<double>::infinity());
  part.sum.assign(channels, 0), part.square.assign(channels, 0);
  part.elements = static_cast<double>(outer * inner);
  for (std::size_t run = 0; run < outer * channels; ++run) {
    const std::size_t c = run % channels;
    double sum = 0, square = 0;
    for (std::size_t i = run * inner; i < (run + 1) * inner; ++i) {
      const double x = static_cast<double>(data[i]);
      part.low[c] = std::min(part.low[c], x), part.high[c] = std::max(part.high[c], x);
      sum += x, square += x * x;
    }
    part.sum[c] += sum, part.square[c] += square;
  }
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(each, outer * inner); ++i) {
    const std::size_t at = position(sample, i, each, outer * inner);
    for (std::size_t c = 0; c < channels; ++c) {
      part.rows.push_back(data[(at / inner * channels + c) * inner + at % inner]);
    }
  }
  return part;
}

class ChannelSink final : public sdk::SampleSink {
 public:
  ChannelSink(const std::vector<SampleRequest> &requests, std::uint64_t each)
      : requests_(requests), each_(each), totals_(requests.size()) {
    for (std::size_t i = 0; i < requests.size(); ++i) of_value_[requests[i].value].push_back(i);
  }

  void see(const sdk::Context &, std::uint32_t, std::uint64_t sample, ht_handle value,
           const ht_tensor_view &tensor) override {
    const auto asked = of_value_.find(value);
    if (asked == of_value_.end()) return;
    for (const std::size_t i : asked->second) {
      const SampleRequest &request = requests_[i];
      const std::int64_t axis = request.axis < 0 ? request.axis + tensor.rank : request.axis;
      if (axis < 0 || axis >= tensor.rank || sdk::count_of(tensor) == 0) continue;
      if (static_cast<std::size_t>(tensor.shape[axis]) != request.channels) continue;
      Part part = part_of(tensor, static_cast<std::size_t>(axis), sample, each_);
      const std::scoped_lock lock(mutex_);
      waiting_[sample].emplace_back(i, std::move(part));
    }
  }

  void reduce(std::uint64_t sample) override {
    std::vector<std::pair<std::size_t, Part>> parts;
    {
      const std::scoped_lock lock(mutex_);
      parts = std::move(waiting_[sample]);
      waiting_.erase(sample);
    }
    for (auto &[i, part] : parts) add(totals_[i], std::move(part));
  }

  ChannelSamples result() {
    ChannelSamples out;
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      Part &total = totals_[i];
      ChannelSample &sample = out[{requests_[i].value, requests_[i].axis}];
      for (std::size_t c = 0; c < total.sum.size(); ++c) {
        const double mean = total.sum[c] / total.elements;
        sample.mean.push_back(mean);
        sample.variance.push_back(std::max(total.square[c] / total.elements - mean * mean, 0.0));
      }
      sample.low = std::move(total.low), sample.high = std::move(total.high);
      sample.rows = std::move(total.rows);
    }
    return out;
  }

 private:
  static void add(Part &total, Part part) {
    if (total.sum.empty()) {
      total = std::move(part);
      return;
    }
    for (std::size_t c = 0; c < total.sum.size(); ++c) {
      total.low[c] = std::min(total.low[c], part.low[c]), total.high[c] = std::max(total.high[c], part.high[c]);
      total.sum[c] += part.sum[c], total.square[c] += part.square[c];
    }
    total.elements += part.elements;
    total.rows.insert(total.rows.end(), part.rows.begin(), part.rows.end());
  }

  const std::vector<SampleRequest> &requests_;
  std::uint64_t each_;
  std::unordered_map<ht_handle, std::vector<std::size_t>> of_value_;  // its requests
  std::mutex mutex_;
  std::map<std::uint64_t, std::vector<std::pair<std::size_t, Part>>> waiting_;  // for their turn
  std::vector<Part> totals_;
};

}  // namespace

ChannelSamples sample_channels(const sdk::Context &ctx, const std::vector<SampleRequest> &requests,
                               std::uint64_t samples) {
  std::vector<SampleRequest> once;
  std::set<std::pair<ht_handle, std::int64_t>> known;
  std::unordered_set<ht_handle> values;
  sdk::SampleRun run;
  run.limit = samples;
  for (const SampleRequest &request : requests) {
    if (!known.insert({request.value, request.axis}).second) continue;
    once.push_back(request);
    if (values.insert(request.value).second) run.values.push_back(request.value);
    run.sink_bytes += request.channels * (2 * kPositions * sizeof(float) + 4 * sizeof(double));
  }
  if (once.empty()) return {};
  ht_execution_options options{};
  options.struct_size = sizeof(options);
  options.limit = samples;
  options.values = {run.values.data(), run.values.size()};
  std::uint64_t count = 0;
  sdk::check(ctx.host.execution->samples(ctx.raw, &options, &count));
  ChannelSink sink(once, std::max<std::uint64_t>(kPositions / std::max<std::uint64_t>(count, 1), 1));
  (void)sdk::run_samples(ctx, run, sink);
  return sink.result();
}

}  // namespace halftone::passes
