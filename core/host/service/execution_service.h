// What "ht.execution/1" and "ht.parallel/1" stand for inside the kernel; core/pipeline implements them for a run.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/host/context.h"
#include "core/host/session.h"
#include "halftone/execution.h"
#include "halftone/trial.h"

namespace halftone::host {

// One pass of the data, in the kernel's own terms; see ht_execution_options.
struct ExecutionRequest {
  Mode mode = Mode::kFloat;
  bool quantized_weights = false;
  bool plain = false;
  std::vector<model::Handle> values;
  std::vector<model::Handle> references;  // of the float network
  std::uint64_t first = 0, limit = 0;
  std::uint64_t sink_bytes = 0, sink_worker_bytes = 0;
  // Values that the pass feeds in place of the run's data, one view each; empty: none. `fetch` runs on the workers.
  std::vector<model::Handle> feeds;
  std::uint64_t fed_samples = 0;
  std::function<void(Context &ctx, std::uint32_t worker, std::uint64_t sample, bool reference,
                     std::vector<ht_tensor_view> &views)>
      fetch;
};

// Who receives the values. `see` runs on the workers, `reduce` in sample order; what they throw ends the pass.
struct ExecutionReceiver {
  using See = std::function<void(Context &ctx, std::uint32_t worker, std::uint64_t sample, model::Handle value,
                                 const ht_tensor_view &tensor)>;
  std::function<void(std::uint32_t workers)> prepare;
  See see, see_reference;
  std::function<void(std::uint64_t sample)> reduce;
};

// One slot of a trial; the pointers are the component's, for as long as its call lasts.
struct TrialSlot {
  quant::SlotKey key;
  ht_quant_spec spec{};
  std::span<const float> scales;
  std::span<const std::int32_t> zero_points;
};

// See ht_trial_options.
struct TrialRequest {
  std::vector<model::Handle> values;
  std::vector<std::vector<TrialSlot>> trials;
  std::uint64_t first = 0, limit = 0;
  std::uint64_t sink_bytes = 0, sink_worker_bytes = 0;
};

struct TrialReceiver {
  std::function<void(std::uint32_t workers)> prepare;
  std::function<void(Context &ctx, std::uint32_t worker, std::uint64_t sample, std::uint32_t trial, model::Handle value,
                     const ht_tensor_view &tensor)>
      see;
  std::function<void(std::uint64_t sample)> reduce;
};

struct ExecutionOutcome {
  std::uint32_t workers = 0;
  std::uint64_t samples = 0, skipped = 0;
};

class ExecutionService {
 public:
  virtual ~ExecutionService() = default;
  virtual ExecutionOutcome run(Context &ctx, const ExecutionRequest &request, const ExecutionReceiver &receiver) = 0;
  virtual std::uint64_t samples(Context &ctx, const ExecutionRequest &request) const = 0;
  virtual ExecutionOutcome run_trials(Context &ctx, const TrialRequest &request, const TrialReceiver &receiver) = 0;
  // By the number of the sample; empty without labels.
  virtual std::vector<std::int64_t> labels(Context &ctx) = 0;
};

// The service of a call that may run the model; fails in one that may not.
ExecutionService &execution_of(ht_ctx *ctx);

class ParallelService {
 public:
  virtual ~ParallelService() = default;
  virtual std::uint32_t workers(Context &ctx, std::uint64_t count, std::uint64_t worker_bytes) = 0;
  // body(own, worker, index), where `own` is the worker's context.
  virtual void for_each(Context &ctx, std::uint64_t count, std::uint64_t worker_bytes,
                        const std::function<void(Context &own, std::uint32_t worker, std::uint64_t index)> &body) = 0;
};

}  // namespace halftone::host
