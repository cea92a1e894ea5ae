// Statistics of many values over a dataset, in one pass.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/digest.h"
#include "core/calibration/accumulator.h"
#include "core/calibration/sample_flow.h"
#include "halftone/statistics.h"

namespace halftone::calibration {

// What to collect, by value.
struct ValueRequest {
  Request request;
  bool groups = false;
};
using Requests = std::map<model::Handle, ValueRequest>;

// HT_WANT_* bits to a request.
Request request_of(std::uint32_t wants, std::uint32_t channel_axis);

// What was collected for one value.
struct Statistics {
  Accumulator total;
  std::vector<Accumulator> groups;  // one per group of samples, in order
  std::uint64_t samples = 0;
};

// The form of statistics that observers read. Its bins are a copy, several times larger than the accumulators: keep it
// only while it is read. Borrows the channels' limits from the statistics.
class PlainStatistics {
 public:
  explicit PlainStatistics(const Statistics &statistics);
  PlainStatistics(const Accumulator &total, std::uint64_t samples);
  PlainStatistics(const PlainStatistics &) = delete;
  PlainStatistics &operator=(const PlainStatistics &) = delete;
  const ht_statistics &get() const noexcept { return view_; }

 private:
  Histogram histogram_;
  std::vector<double> sums_, square_sums_;
  std::vector<std::unique_ptr<PlainStatistics>> groups_;
  std::vector<ht_statistics> group_views_;
  ht_statistics view_{};
};

struct Collection {
  std::map<model::Handle, Statistics> values;
  FlowResult flow;
  Digest data;  // of the samples as they were fed, in order
};

// Runs the samples through the session, whose emits must contain the requested values. Worker accumulators are merged
// exactly, so the result is the same for any number of workers. `group` is the number of samples in a group, for the
// requests that want groups. Throws FailedPrecondition naming the value that became NaN or infinite, and the sample.
Collection collect(const Dataset &dataset, const host::Session &session, const model::Model &model,
                   const Requests &requests, std::uint64_t group, const FlowOptions &options);

}  // namespace halftone::calibration
