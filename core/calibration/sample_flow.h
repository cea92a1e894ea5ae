// The flow of samples through a session: limit, read and preprocess, execute on N workers, reduce in order.
//
// One sample is one unit of work on one thread, so results do not depend on the number of workers; the reduce step sees
// samples in their order. What is in flight is bounded by the workers.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/calibration/dataset.h"
#include "core/calibration/sample_ledger.h"
#include "core/host/session.h"

namespace halftone::calibration {

enum class BadSample : std::uint8_t { kFail, kSkip };

struct FlowOptions {
  std::uint32_t workers = 1;
  std::uint64_t first = 0;  // samples before this one are left out
  std::uint64_t limit = 0;  // from there on; 0: all
  BadSample on_bad_sample = BadSample::kFail;
  // Where bad samples are skipped: what it knows to be bad is not run, and what this flow finds is added when it ends.
  // May be null.
  SampleLedger *ledger = nullptr;
  host::RunSinks sinks;  // progress and cancellation
  // What the memory of one sample on its way may take on one worker, in bytes; a larger one ends the flow.
  std::size_t sample_memory = SIZE_MAX;
  // Sees a sample before it runs, on its worker, and charges the context for what running it takes. May be empty.
  std::function<void(host::Context &ctx, const Sample &sample)> admit;
};

struct FlowResult {
  std::uint64_t samples = 0;           // that went through
  std::vector<SkippedSample> skipped;  // in order
};

// The messages of bad samples.
std::vector<std::string> reasons_of(const std::vector<SkippedSample> &skipped);

// Whether an error is the fault of the sample that was read or run when it was thrown.
bool is_data_fault(Status status);

// Samples from `first` on of those there are, at most `limit`; 0: all.
std::uint64_t samples_from(std::uint64_t first, std::uint64_t limit, std::uint64_t all);

// What a worker does with the values that the session hands over. One object per worker; take() hands over what the
// sample left for the ordered reduce step (may be null).
class SampleSink {
 public:
  virtual ~SampleSink() = default;
  virtual void begin(std::uint64_t index) = 0;
  virtual void value(model::Handle value, const ht_tensor_view &tensor) = 0;
  // After the values of a sample, or of each frame of one that is a sequence, with what was fed: see FrameFunction.
  virtual void frame(host::Context & /*ctx*/, std::span<const ht_tensor_view> /*inputs*/) {}
  virtual std::shared_ptr<void> take(host::Context &ctx, const Sample &sample) = 0;
};

// `reduce` runs serially, in sample order, once for each good sample, whose index counts from the first of the dataset.
// The first bad sample in order (not in time) is the one reported. Throws Cancelled when the sinks say so.
FlowResult run_flow(const Dataset &dataset, const host::Session &session, const FlowOptions &options,
                    const std::function<std::unique_ptr<SampleSink>(std::uint32_t worker)> &make_sink,
                    const std::function<void(std::uint64_t index, const std::shared_ptr<void> &left)> &reduce);

// min(requested or all cores, samples), at least 1.
std::uint32_t worker_count(std::uint32_t requested, std::uint64_t samples);

}  // namespace halftone::calibration
