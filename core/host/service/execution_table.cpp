#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <string>

#include "core/host/isolation/environment.h"
#include "core/host/service/execution_service.h"
#include "core/host/service/table.h"
#include "core/host/service/tables.h"

namespace halftone::host {

ExecutionService &execution_of(ht_ctx *ctx) {
  if (ctx->execution == nullptr) fail(Status::kFailedPrecondition, "this call cannot run the model");
  return *ctx->execution;
}

namespace {

void take_source(const ht_execution_source &given, ExecutionRequest &request) {
  ht_execution_source source{};
  std::memcpy(&source, &given, std::min<std::size_t>(given.struct_size, sizeof(source)));
  if (source.fetch == nullptr) fail(Status::kInvalidArgument, "the source of fed values has no function");
  request.fed_samples = source.count;
  request.fetch = [source](Context &own, std::uint32_t worker, std::uint64_t sample, bool reference,
                           std::vector<ht_tensor_view> &views) {
    for (ht_tensor_view &view : views) {
      view = {};
      view.struct_size = sizeof(view);
    }
    call_component(own,
                   [&] { return source.fetch(source.user, &own, worker, sample, reference ? 1 : 0, views.data()); });
    for (const ht_tensor_view &view : views) {
      if (view.data == nullptr || view.shape == nullptr || view.block_size != 0 || view.strides != nullptr) {
        fail(Status::kInvalidArgument, "component '{}' feeds a view that is not plain contiguous with data",
             own.component);
      }
    }
  };
}

ExecutionRequest request_of(const ht_execution_options &given) {
  ht_execution_options options{};
  std::memcpy(&options, &given, std::min<std::size_t>(given.struct_size, sizeof(options)));
  ExecutionRequest request;
  if (options.mode > HT_MODE_SIMULATED) {
    fail(Status::kInvalidArgument, "a pass can run the model in float or simulated mode, not in mode {}", options.mode);
  }
  request.mode = options.mode == HT_MODE_SIMULATED ? Mode::kSimulated : Mode::kFloat;
  request.quantized_weights = options.quantized_weights != 0;
  request.plain = options.plain != 0;
  request.values.assign(options.values.data, options.values.data + options.values.size);
  request.references.assign(options.references.data, options.references.data + options.references.size);
  request.first = options.first;
  request.limit = options.limit;
  request.sink_bytes = options.sink_bytes;
  request.sink_worker_bytes = options.sink_worker_bytes;
  request.feeds.assign(options.feeds.data, options.feeds.data + options.feeds.size);
  if (options.source != nullptr) take_source(*options.source, request);
  return request;
}

// Whose functions are called on threads of the host's.
struct Caller {
  explicit Caller(const Context &ctx) : component(ctx.component), watched(is_watched()) {}
  std::string component;
  bool watched;
};

// A call into the component on a thread of the host's, which others compute on afterwards: where the component is
// watched, it must leave the thread's floating-point mode as it was.
void call_on_thread(const Caller &caller, Context &own, const std::function<ht_status()> &body) {
  const std::optional<FloatMode> before = caller.watched ? std::optional<FloatMode>(std::in_place) : std::nullopt;
  std::string changed;
  try {
    call_component(own, body);
    if (before) changed = before->restore();
  } catch (...) {
    if (before) (void)before->restore();
    throw;
  }
  if (changed.empty()) return;
  fail(Status::kInternal, "component '{}' changed {} on a thread that works for it, and left it so; it was put back",
       caller.component, changed);
}

using See = decltype(ht_execution_sink::see);

ExecutionReceiver::See forward_to(See see, void *user, const Context &ctx) {
  if (see == nullptr) return {};
  return [see, user, caller = Caller(ctx)](Context &own, std::uint32_t worker, std::uint64_t sample,
                                           model::Handle value, const ht_tensor_view &tensor) {
    call_on_thread(caller, own, [&] { return see(user, &own, worker, sample, value, &tensor); });
  };
}

// `ordered` serves the calls of reduce(), which come one at a time.
ExecutionReceiver receiver_of(const ht_execution_sink &given, ht_ctx *ctx, Context &ordered) {
  ht_execution_sink sink{};
  std::memcpy(&sink, &given, std::min<std::size_t>(given.struct_size, sizeof(sink)));
  ExecutionReceiver receiver;
  receiver.see = forward_to(sink.see, sink.user, *ctx);
  receiver.see_reference = forward_to(sink.see_reference, sink.user, *ctx);
  if (sink.prepare != nullptr) {
    receiver.prepare = [sink, ctx](std::uint32_t workers) {
      call_component(*ctx, [&] { return sink.prepare(sink.user, ctx, workers); });
    };
  }
  if (sink.reduce != nullptr) {
    receiver.reduce = [sink, &ordered, caller = Caller(*ctx)](std::uint64_t sample) {
      ordered.arena.reset();
      call_on_thread(caller, ordered, [&] { return sink.reduce(sink.user, &ordered, sample); });
    };
  }
  return receiver;
}

ht_status HT_CALL run(ht_ctx *ctx, const ht_execution_options *options, const ht_execution_sink *sink,
                      ht_execution_result *result) {
  return serve_run(ctx, [&] {
    Context ordered;
    ordered.component = ctx->component;
    const ExecutionRequest request = request_of(*options);
    const ExecutionReceiver receiver = receiver_of(*sink, ctx, ordered);
    if (!receiver.see || (!request.references.empty() && !receiver.see_reference)) {
      fail(Status::kInvalidArgument, "the sink lacks a function for the values that it asks for");
    }
    const ExecutionOutcome outcome = execution_of(ctx).run(*ctx, request, receiver);
    if (result == nullptr) return;
    put(result, ht_execution_result{sizeof(ht_execution_result), outcome.workers, outcome.samples, outcome.skipped});
  });
}

ht_status HT_CALL samples(ht_ctx *ctx, const ht_execution_options *options, std::uint64_t *count) {
  return serve_run(ctx, [&] { *count = execution_of(ctx).samples(*ctx, request_of(*options)); });
}

std::uint64_t worker_bytes(const ht_parallel_options *options) {
  return options != nullptr && HT_HAS(options, ht_parallel_options, worker_bytes) ? options->worker_bytes : 0;
}

ParallelService &threads(ht_ctx *ctx) {
  if (ctx->parallel == nullptr) fail(Status::kFailedPrecondition, "this call has no threads of its run");
  return *ctx->parallel;
}

ht_status HT_CALL workers(ht_ctx *ctx, std::uint64_t count, const ht_parallel_options *options, std::uint32_t *out) {
  return serve_run(ctx, [&] { *out = threads(ctx).workers(*ctx, count, worker_bytes(options)); });
}

ht_status HT_CALL for_each(ht_ctx *ctx, std::uint64_t count, const ht_parallel_options *options, ht_parallel_body body,
                           void *user) {
  return serve_run(ctx, [&] {
    const Caller caller(*ctx);
    threads(ctx).for_each(*ctx, count, worker_bytes(options),
                          [&](Context &own, std::uint32_t worker, std::uint64_t index) {
                            call_on_thread(caller, own, [&] { return body(user, &own, worker, index); });
                          });
  });
}

}  // namespace

const ht_execution *execution_table() {
  static constexpr ht_execution kTable = {sizeof(ht_execution), 0, &run, &samples};
  return &kTable;
}

const ht_parallel *parallel_table() {
  static constexpr ht_parallel kTable = {sizeof(ht_parallel), 0, &workers, &for_each};
  return &kTable;
}

}  // namespace halftone::host
