#include "core/calibration/sample_ledger.h"

#include <algorithm>
#include <iterator>

namespace halftone::calibration {
namespace {

auto at_or_behind(const std::vector<SkippedSample> &bad, std::uint64_t index) {
  return std::ranges::lower_bound(bad, index, {}, &SkippedSample::index);
}

}  // namespace

void SampleLedger::add(std::span<const SkippedSample> skipped) {
  for (const SkippedSample &sample : skipped) {
    if (reason(sample.index) == nullptr) bad_.insert(at_or_behind(bad_, sample.index), sample);
  }
}

void SampleLedger::set_screened(SampleRange range) {
  if (range.first >= range.end) return;
  auto at = screened_.upper_bound(range.first);
  if (at != screened_.begin() && std::prev(at)->second >= range.first) --at;
  while (at != screened_.end() && at->first <= range.end) {
    range.first = std::min(range.first, at->first);
    range.end = std::max(range.end, at->second);
    at = screened_.erase(at);
  }
  screened_[range.first] = range.end;
}

bool SampleLedger::screened(SampleRange range) const {
  if (range.first >= range.end) return true;
  const auto behind = screened_.upper_bound(range.first);
  return behind != screened_.begin() && std::prev(behind)->second >= range.end;
}

const std::string *SampleLedger::reason(std::uint64_t index) const {
  const auto found = at_or_behind(bad_, index);
  return found == bad_.end() || found->index != index ? nullptr : &found->reason;
}

std::uint64_t SampleLedger::skipped_before(std::uint64_t index) const {
  return static_cast<std::uint64_t>(std::distance(bad_.begin(), at_or_behind(bad_, index)));
}

std::uint64_t SampleLedger::count(SampleRange range) const {
  return range.first >= range.end ? 0
                                  : range.end - range.first - (skipped_before(range.end) - skipped_before(range.first));
}

std::uint64_t SampleLedger::behind(SampleRange all, std::uint64_t good) const {
  std::uint64_t at = all.first;
  for (auto bad = at_or_behind(bad_, at); bad != bad_.end() && bad->index < all.end; ++bad) {
    const std::uint64_t run = bad->index - at;
    if (good <= run) break;
    good -= run;
    at = bad->index + 1;
  }
  return all.end - at < good ? all.end : at + good;
}

SampleRange SampleLedger::part(SampleRange all, std::uint64_t first, std::uint64_t limit) const {
  all.end = std::max(all.first, all.end);
  const std::uint64_t begin = behind(all, first);
  return {begin, limit == 0 ? all.end : behind({begin, all.end}, limit)};
}

}  // namespace halftone::calibration
