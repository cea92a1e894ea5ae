#include "core/host/service/trial_table.h"

#include <algorithm>
#include <cstring>

#include "core/host/service/execution_service.h"
#include "core/host/service/table.h"

namespace halftone::host {
namespace {

// What a caller of another minor left out is zero.
template <typename T>
T whole(const T &given) {
  T out{};
  std::memcpy(static_cast<void *>(&out), &given, std::min<std::size_t>(given.struct_size, sizeof(out)));
  return out;
}

TrialSlot slot_of(const ht_trial_slot &given) {
  const ht_trial_slot slot = whole(given);
  if (slot.spec == nullptr) fail(Status::kInvalidArgument, "a slot of a trial has no type");
  if (slot.count > 0 && (slot.scales == nullptr || slot.zero_points == nullptr)) {
    fail(Status::kInvalidArgument, "a slot of a trial has {} scales and no array of them", slot.count);
  }
  return {{slot.node, slot.direction == HT_SLOT_OUTPUT, slot.slot},
          *slot.spec,
          {slot.scales, slot.count},
          {slot.zero_points, slot.count}};
}

TrialRequest request_of(const ht_trial_options &given) {
  const ht_trial_options options = whole(given);
  TrialRequest request;
  request.values.assign(options.values.data, options.values.data + options.values.size);
  for (std::uint64_t i = 0; i < options.trial_count; ++i) {
    const ht_trial trial = whole(*element(options.trials, i));
    std::vector<TrialSlot> &slots = request.trials.emplace_back();
    for (std::uint64_t k = 0; k < trial.slot_count; ++k) slots.push_back(slot_of(*element(trial.slots, k)));
  }
  request.first = options.first;
  request.limit = options.limit;
  request.sink_bytes = options.sink_bytes;
  request.sink_worker_bytes = options.sink_worker_bytes;
  return request;
}

// `ordered` serves the calls of reduce(), which come one at a time.
TrialReceiver receiver_of(const ht_trial_sink &given, ht_ctx *ctx, Context &ordered) {
  const ht_trial_sink sink = whole(given);
  if (sink.see == nullptr) fail(Status::kInvalidArgument, "the sink has no function that sees values");
  TrialReceiver receiver;
  receiver.see = [sink](Context &own, std::uint32_t worker, std::uint64_t sample, std::uint32_t trial,
                        model::Handle value, const ht_tensor_view &tensor) {
    call_component(own, [&] { return sink.see(sink.user, &own, worker, sample, trial, value, &tensor); });
  };
  if (sink.prepare != nullptr) {
    receiver.prepare = [sink, ctx](std::uint32_t workers) {
      call_component(*ctx, [&] { return sink.prepare(sink.user, ctx, workers); });
    };
  }
  if (sink.reduce != nullptr) {
    receiver.reduce = [sink, &ordered](std::uint64_t sample) {
      ordered.arena.reset();
      call_component(ordered, [&] { return sink.reduce(sink.user, &ordered, sample); });
    };
  }
  return receiver;
}

ht_status HT_CALL run(ht_ctx *ctx, const ht_trial_options *options, const ht_trial_sink *sink,
                      ht_execution_result *result) {
  return serve_run(ctx, [&] {
    Context ordered;
    ordered.component = ctx->component;
    const TrialReceiver receiver = receiver_of(*sink, ctx, ordered);
    const ExecutionOutcome outcome = execution_of(ctx).run_trials(*ctx, request_of(*options), receiver);
    if (result == nullptr) return;
    put(result, ht_execution_result{sizeof(ht_execution_result), outcome.workers, outcome.samples, outcome.skipped});
  });
}

ht_status HT_CALL labels(ht_ctx *ctx, ht_i64s *out) {
  return serve_run(ctx, [&] {
    const std::vector<std::int64_t> found = execution_of(ctx).labels(*ctx);
    *out = {keep(ctx, std::span<const std::int64_t>(found)), found.size()};
  });
}

}  // namespace

const ht_trial_runs *trial_table() {
  static constexpr ht_trial_runs kTable = {sizeof(ht_trial_runs), 0, &run, &labels};
  return &kTable;
}

}  // namespace halftone::host
