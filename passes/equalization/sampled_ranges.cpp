#include "sampled_ranges.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <string>

#include "halftone/execution.hpp"

namespace halftone::passes {
namespace {

// Of one sample, or of all so far.
struct Seen {
  std::vector<double> low, high, sum, square;  // by channel
  double elements = 0;                         // of each channel

  explicit Seen(std::size_t channels = 0)
      : low(channels, std::numeric_limits<double>::infinity()),
        high(channels, -std::numeric_limits<double>::infinity()),
        sum(channels, 0.0),
        square(channels, 0.0) {}

  void add(const Seen &other) {
    if (sum.empty()) *this = Seen(other.sum.size());
    if (sum.size() != other.sum.size()) {
      throw sdk::Failure(HT_FAILED_PRECONDITION, "a value has " + std::to_string(sum.size()) +
                                                     " channels in one sample and " + std::to_string(other.sum.size()) +
                                                     " in another");
    }
    for (std::size_t c = 0; c < sum.size(); ++c) {
      low[c] = std::min(low[c], other.low[c]), high[c] = std::max(high[c], other.high[c]);
      sum[c] += other.sum[c], square[c] += other.square[c];
    }
    elements += other.elements;
  }
};

Seen measure(const ht_tensor_view &tensor, std::size_t axis) {
  const auto *data = static_cast<const float *>(tensor.data);
  const auto channels = static_cast<std::size_t>(tensor.shape[axis]);
  std::size_t inner = 1;
  for (std::size_t k = axis + 1; k < tensor.rank; ++k) inner *= static_cast<std::size_t>(tensor.shape[k]);
  Seen seen(channels);
  const auto count = static_cast<std::size_t>(sdk::count_of(tensor));
  if (count == 0) return seen;
  seen.elements = static_cast<double>(count / channels);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t c = i / inner % channels;
    const auto x = static_cast<double>(data[i]);
    seen.low[c] = std::min(seen.low[c], x), seen.high[c] = std::max(seen.high[c], x);
    seen.sum[c] += x, seen.square[c] += x * x;
  }
  return seen;
}

class RangeSink final : public sdk::SampleSink {
 public:
  explicit RangeSink(const std::map<ht_handle, std::size_t> &axes) : axes_(axes) {}

  void see(const sdk::Context &, std::uint32_t, std::uint64_t sample, ht_handle value,
           const ht_tensor_view &tensor) override {
    const std::size_t axis = axes_.at(value);
    if (axis >= tensor.rank) throw sdk::Failure(HT_FAILED_PRECONDITION, "the value has no axis of channels", value);
    Seen seen = measure(tensor, axis);
    if (!std::all_of(seen.square.begin(), seen.square.end(), [](double x) { return std::isfinite(x); }))
      throw sdk::Failure(HT_FAILED_PRECONDITION, "the value is NaN or infinite as float32", value);
    const std::scoped_lock lock(mutex_);
    waiting_[sample].emplace_back(value, std::move(seen));
  }

  void reduce(std::uint64_t sample) override {
    std::vector<std::pair<ht_handle, Seen>> parts;
    {
      const std::scoped_lock lock(mutex_);
      parts = std::move(waiting_[sample]);
      waiting_.erase(sample);
    }
    for (const auto &[value, seen] : parts) totals_[value].add(seen);
  }

  const Seen &total(ht_handle value) { return totals_[value]; }

 private:
  const std::map<ht_handle, std::size_t> &axes_;
  std::mutex mutex_;
  std::map<std::uint64_t, std::vector<std::pair<ht_handle, Seen>>> waiting_;  // for their turn
  std::map<ht_handle, Seen> totals_;
};

}  // namespace

std::map<ht_handle, ChannelRange> sample_ranges(const sdk::Context &ctx, const std::vector<RangeRequest> &requests) {
  std::map<ht_handle, ChannelRange> ranges;
  std::map<ht_handle, std::size_t> axes;
  for (const RangeRequest &request : requests) axes.try_emplace(request.value, request.axis);
  if (axes.empty()) return ranges;
  sdk::SampleRun run;
  for (const auto &[value, axis] : axes) run.values.push_back(value);
  RangeSink sink(axes);
  (void)sdk::run_samples(ctx, run, sink);
  for (const auto &[value, axis] : axes) {
    const Seen &seen = sink.total(value);
    if (!(seen.elements > 0)) throw sdk::Failure(HT_FAILED_PRECONDITION, "no sample gives the value an element", value);
    ChannelRange &range = ranges[value];
    range.low = seen.low, range.high = seen.high;
    for (std::size_t c = 0; c < seen.sum.size(); ++c) {
      const double mean = seen.sum[c] / seen.elements;
      range.mean.push_back(mean);
      range.deviation.push_back(std::sqrt(std::max(seen.square[c] / seen.elements - mean * mean, 0.0)));
    }
  }
  return ranges;
}

}  // namespace halftone::passes
