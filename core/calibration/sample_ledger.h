// What the passes of a run over the same data know of its samples, so that one that was skipped is skipped by all.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace halftone::calibration {

// A sample that could not be used, by its number in the dataset.
struct SkippedSample {
  std::uint64_t index = 0;
  std::string reason;
  friend bool operator==(const SkippedSample &, const SkippedSample &) = default;
};

// Samples from `first` up to `end`, which is not among them.
struct SampleRange {
  std::uint64_t first = 0, end = 0;
};

class SampleLedger {
 public:
  // Between passes: while one runs the ledger is read by its workers.
  void add(std::span<const SkippedSample> skipped);
  // The whole network ran on every sample of the range, so that no later pass finds another bad one among them.
  void set_screened(SampleRange range);

  bool screened(SampleRange range) const;
  // Why the sample is skipped; null when nothing is known against it.
  const std::string *reason(std::uint64_t index) const;
  // Samples before this one that are skipped.
  std::uint64_t skipped_before(std::uint64_t index) const;

  // Of `all`, the part that begins behind `first` of its samples and holds `limit` (0: all that there are), where those
  // that are known to be bad do not count.
  SampleRange part(SampleRange all, std::uint64_t first, std::uint64_t limit) const;
  // How many samples of the range count.
  std::uint64_t count(SampleRange range) const;

 private:
  // The sample with `good` good ones before it from `first` on, at most `end`.
  std::uint64_t behind(SampleRange all, std::uint64_t good) const;
  std::vector<SkippedSample> bad_;                   // by number
  std::map<std::uint64_t, std::uint64_t> screened_;  // ends by first samples; apart from each other
};

}  // namespace halftone::calibration
