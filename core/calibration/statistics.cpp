#include "core/calibration/statistics.h"

#include <algorithm>
#include <functional>

#include "core/base/error.h"

namespace halftone::calibration {
namespace {

void require_same_kind(const Collection &a, const Collection &b) {
  if (!(a.executed == b.executed)) {
    fail(Status::kInvalidArgument, "they are of other models, or of models that other passes have changed");
  }
  if (a.group != b.group) {
    fail(Status::kInvalidArgument, "one has groups of {} samples, the other of {}", a.group, b.group);
  }
  const auto differs = [](const auto &x, const auto &y) {
    return x.first != y.first || !(x.second.total.request() == y.second.total.request()) ||
           x.second.grouped != y.second.grouped;
  };
  const auto [at, other] = std::ranges::mismatch(a.values, b.values, std::not_fn(differs));
  if (at != a.values.end() || other != b.values.end()) {
    fail(Status::kInvalidArgument,
         "value '{}' was not observed in the same way in both; calibrate all for the same "
         "platforms",
         at != a.values.end() ? at->first : other->first);
  }
}

}  // namespace

void merge(Collection &into, const Collection &other) {
  require_same_kind(into, other);
  if (other.samples == into.samples && other.data == into.data && into.samples != 0) {
    fail(Status::kFailedPrecondition, "both are of the same samples, which would count twice");
  }
  const bool grouped = std::ranges::any_of(into.values, [](const auto &entry) { return entry.second.grouped; });
  if (grouped && other.samples != 0 && into.samples % into.group != 0) {
    fail(Status::kInvalidArgument,
         "the first has {} samples, which are no whole number of groups of {} (samples that were skipped count too); "
         "only the last may end with a part of "
         "one",
         into.samples, into.group);
  }
  for (auto &[name, statistics] : into.values) {
    const Statistics &added = other.values.at(name);
    statistics.total.merge(added.total);
    statistics.groups.insert(statistics.groups.end(), added.groups.begin(), added.groups.end());
    statistics.samples += added.samples;
  }
  into.samples += other.samples;
  into.data = sum(into.data, other.data);
  into.skipped.insert(into.skipped.end(), other.skipped.begin(), other.skipped.end());
  std::ranges::sort(into.skipped);
}

PlainStatistics::PlainStatistics(const Accumulator &total, std::uint64_t samples) : histogram_(total.histogram()) {
  for (const Fixed128 &sum : total.channel_sum()) sums_.push_back(sum.to_double());
  for (const Fixed128 &sum : total.channel_square_sum()) square_sums_.push_back(sum.to_double());
  view_.struct_size = sizeof(view_);
  view_.sample_count = samples;
  view_.count = total.count();
  view_.zero_count = total.zeros();
  view_.minimum = total.minimum();
  view_.maximum = total.maximum();
  view_.bin_count = histogram_.counts.size();
  view_.edges = histogram_.edges.data();
  view_.counts = histogram_.counts.data();
  view_.channel_count = total.channel_minimum().empty() ? sums_.size() : total.channel_minimum().size();
  view_.channel_minimum = total.channel_minimum().data();
  view_.channel_maximum = total.channel_maximum().data();
  view_.channel_sum = sums_.data();
  view_.channel_square_sum = square_sums_.data();
  view_.channel_elements = total.channel_count();
}

PlainStatistics::PlainStatistics(const Statistics &statistics) : PlainStatistics(statistics.total, statistics.samples) {
  for (const Accumulator &group : statistics.groups) {
    groups_.push_back(std::make_unique<PlainStatistics>(group, 0));
    group_views_.push_back(groups_.back()->get());
  }
  view_.group_count = group_views_.size();
  view_.groups = group_views_.data();
}

}  // namespace halftone::calibration
