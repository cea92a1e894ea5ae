// What one pass over the data leaves: statistics of values, and the form in which observers read them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/digest.h"
#include "core/calibration/accumulator.h"
#include "halftone/statistics.h"

namespace halftone::calibration {

// What was collected for one value.
struct Statistics {
  Accumulator total;
  std::vector<Accumulator> groups;  // one per group of samples, in order
  std::uint64_t samples = 0;
  bool grouped = false;  // groups were asked for
  friend bool operator==(const Statistics &, const Statistics &) = default;
};

// The statistics of one executed graph over one set of samples.
struct Collection {
  Digest executed;                           // graph, weights and how they were run; see statistics_key.h
  std::uint64_t group = 0;                   // samples in a group; 0: no groups
  std::uint64_t samples = 0;                 // that went in
  Digest data;                               // of the samples as they were fed, in any order
  std::vector<std::string> skipped;          // messages of samples that could not be used, sorted
  std::map<std::string, Statistics> values;  // by the value's name in the main graph
  friend bool operator==(const Collection &, const Collection &) = default;
};

// Joins what was collected over other samples, as if all had gone through one pass. Groups follow those of `into`.
// Throws InvalidArgument when the two cannot belong together: other graphs, values or requests, a last group that is
// not full, and FailedPrecondition when both are of the same samples.
void merge(Collection &into, const Collection &other);

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

}  // namespace halftone::calibration
