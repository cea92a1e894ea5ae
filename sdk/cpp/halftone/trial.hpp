// Quantizing single operators on trial in C++, over "ht.trial/1". Failures throw.
#pragma once

#include <cstdint>
#include <vector>

#include "halftone/host.hpp"
#include "halftone/trial.h"

namespace halftone::sdk {

// How one slot is quantized in a trial.
struct TrialSlot {
  ht_handle node = HT_NONE;
  std::uint32_t direction = HT_SLOT_INPUT, slot = 0;
  ht_quant_spec spec{};
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
};
using Trial = std::vector<TrialSlot>;

// See ht_trial_options.
struct TrialRun {
  std::vector<ht_handle> values;
  std::vector<Trial> trials;
  std::uint64_t first = 0, limit = 0;
  std::uint64_t sink_bytes = 0, sink_worker_bytes = 0;
};

// Derive. see() is [worker], with HT_TRIAL_NONE for the float run; reduce() is called in sample order, one call at a
// time.
class TrialSink {
 public:
  virtual ~TrialSink() = default;
  virtual void prepare(std::uint32_t /*workers*/) {}
  virtual void see(const Context &ctx, std::uint32_t worker, std::uint64_t sample, std::uint32_t trial, ht_handle value,
                   const ht_tensor_view &tensor) = 0;
  virtual void reduce(std::uint64_t /*sample*/) {}
};

namespace detail {

struct TrialUser {
  const Host *host;
  TrialSink *sink;
};

inline ht_trial_sink trial_table(TrialUser *user) {
  ht_trial_sink table{};
  table.struct_size = sizeof(table);
  table.user = user;
  table.prepare = [](void *raw, ht_ctx *ctx, std::uint32_t workers) noexcept -> ht_status {
    auto *self = static_cast<TrialUser *>(raw);
    return guarded(self->host->raw, ctx, [&] { self->sink->prepare(workers); });
  };
  table.see = [](void *raw, ht_ctx *ctx, std::uint32_t worker, std::uint64_t sample, std::uint32_t trial,
                 ht_handle value, const ht_tensor_view *tensor) noexcept -> ht_status {
    auto *self = static_cast<TrialUser *>(raw);
    return guarded(self->host->raw, ctx,
                   [&] { self->sink->see(Context(*self->host, ctx), worker, sample, trial, value, *tensor); });
  };
  table.reduce = [](void *raw, ht_ctx *ctx, std::uint64_t sample) noexcept -> ht_status {
    auto *self = static_cast<TrialUser *>(raw);
    return guarded(self->host->raw, ctx, [&] { self->sink->reduce(sample); });
  };
  return table;
}

inline const ht_trial_runs &trial_runs(const Context &ctx) {
  const auto *api = ctx.host.find<ht_trial_runs>(HT_TRIAL_1);
  if (api == nullptr) {
    throw Failure(HT_PERMISSION_DENIED,
                  "the component did not declare HT_CAP_EXECUTE, or the host is older than " HT_TRIAL_1);
  }
  return *api;
}

}  // namespace detail

inline ht_execution_result run_trials(const Context &ctx, const TrialRun &run, TrialSink &sink) {
  std::vector<std::vector<ht_trial_slot>> slots;
  std::vector<ht_trial> trials;
  for (const Trial &trial : run.trials) {
    std::vector<ht_trial_slot> &of_trial = slots.emplace_back();
    for (const TrialSlot &slot : trial) {
      of_trial.push_back({sizeof(ht_trial_slot), slot.direction, slot.node, slot.slot, 0, &slot.spec,
                          slot.scales.data(), slot.zero_points.data(), slot.scales.size()});
    }
    trials.push_back({sizeof(ht_trial), 0, of_trial.data(), of_trial.size()});
  }
  ht_trial_options options{};
  options.struct_size = sizeof(options);
  options.values = {run.values.data(), run.values.size()};
  options.trials = trials.data();
  options.trial_count = trials.size();
  options.first = run.first;
  options.limit = run.limit;
  options.sink_bytes = run.sink_bytes;
  options.sink_worker_bytes = run.sink_worker_bytes;
  detail::TrialUser user{&ctx.host, &sink};
  const ht_trial_sink table = detail::trial_table(&user);
  ht_execution_result result{};
  result.struct_size = sizeof(result);
  check(detail::trial_runs(ctx).run(ctx.raw, &options, &table, &result));
  return result;
}

// Class numbers of the calibration samples; empty where the user gave none.
inline std::vector<std::int64_t> sample_labels(const Context &ctx) {
  ht_i64s labels{};
  check(detail::trial_runs(ctx).labels(ctx.raw, &labels));
  return {labels.data, labels.data + labels.size};
}

}  // namespace halftone::sdk
