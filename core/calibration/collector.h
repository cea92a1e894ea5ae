// Statistics of many values over a dataset, in one pass.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "core/calibration/gatherer.h"
#include "core/calibration/sample_flow.h"
#include "core/calibration/statistics.h"

namespace halftone::calibration {

// What to collect, by value.
struct ValueRequest {
  Request request;
  bool groups = false;
};
using Requests = std::map<model::Handle, ValueRequest>;

// HT_WANT_* bits to a request.
Request request_of(std::uint32_t wants, std::uint32_t channel_axis);

// How far a pass over the data has come, for one that goes on later.
struct Progress {
  struct Mark {
    std::uint64_t index = 0;
    Digest digest;  // of the sample as it was fed
    friend bool operator==(const Mark &, const Mark &) = default;
  };
  std::uint64_t first = 0, next = 0, end = 0;  // samples [first, end) are wanted, those before next are in
  std::uint64_t dataset = 0;                   // samples of the whole dataset
  std::vector<Mark> marks;                     // of the first and the last good sample: tell whether the data changed
  std::vector<SkippedSample> skipped;          // in order
  friend bool operator==(const Progress &, const Progress &) = default;
};

// What was collected so far; `progress.next == progress.end` when it is all.
struct Collected {
  Collection collection;
  Progress progress;
};

// What a pass over the data gathers, and how.
struct CollectPlan {
  Requests requests;
  std::uint64_t group = 0;     // samples in a group, for the requests that want groups
  FlowOptions flow;            // flow.first and flow.limit say which samples
  Watches *watches = nullptr;  // fed in the same pass; their totals exist
  // Told after every so many samples, when all before `next` are in. 0: about every ten seconds.
  std::uint64_t checkpoint_every = 0;
  std::function<void(const Collected &)> checkpoint;  // may be empty
};

// Runs the samples through the session, whose emits must contain the requested values. Worker accumulators are merged
// exactly, so the result is the same for any number of workers, and for a pass that goes on from `from` (its collection
// empty, or as a checkpoint was told). The key of the graph is left to the caller. Throws FailedPrecondition naming the
// value that became NaN or infinite, and the sample; and when `from` was collected from other data.
Collected collect(const Dataset &dataset, const host::Session &session, const model::Model &model,
                  const CollectPlan &plan, Collected from = {});

}  // namespace halftone::calibration
