#include "core/pipeline/fed_execution.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <new>
#include <optional>

#include "core/base/error.h"
#include "core/base/threads.h"
#include "core/calibration/sample_flow.h"
#include "core/host/session.h"
#include "core/pipeline/forwarding.h"
#include "core/pipeline/memory_fit.h"

namespace halftone::pipeline {
namespace {

using host::ExecutionReceiver;
using host::ExecutionRequest;

void require_feeds(const model::Model &model, const ExecutionRequest &request) {
  require_values(model, request.feeds);
  std::vector<model::Handle> sorted = request.feeds;
  std::ranges::sort(sorted);
  if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end()) {
    fail(Status::kInvalidArgument, "value '{}' is fed twice", model.value(*twice).name);
  }
  if (!request.fetch) fail(Status::kInvalidArgument, "values are fed, and no source says where they come from");
}

std::unique_ptr<host::Session> open(const host::Instance &executor, const host::Context &ctx,
                                    host::WorkingModel &working, const ExecutionRequest &request,
                                    std::vector<model::Handle> emits, host::Mode mode, std::uint32_t workers) {
  host::SessionRequest session;
  session.mode = mode;
  session.quantized_weights = mode == host::Mode::kFloat && request.quantized_weights;
  session.workers = workers;
  session.feeds = request.feeds;
  session.emits = std::move(emits);
  return open_for_pass(executor, ctx, working, std::move(session));
}

// The samples that are asked for.
struct Range {
  std::uint64_t first = 0, end = 0;
};

Range range_of(const ExecutionRequest &request) {
  const std::uint64_t all = calibration::samples_from(request.first, request.limit, request.fed_samples);
  if (all == 0) fail(Status::kInvalidArgument, "there is no fed sample from number {} on", request.first);
  return {request.first, request.first + all};
}

class FedRun {
 public:
  FedRun(host::Context &ctx, const ExecutionRequest &request, const ExecutionReceiver &receiver,
         const host::Session &session, const host::Session *reference)
      : ctx_(ctx), request_(request), receiver_(receiver), session_(session), reference_(reference) {}

  void run(Range range, std::uint32_t workers) {
    for (std::uint32_t i = 0; i < workers; ++i) {
      workers_.push_back(std::make_unique<Worker>(receiver_, request_, ctx_, i));
      workers_.back()->ctx.component = ctx_.component;
      workers_.back()->ctx.sinks.cancelled = ctx_.sinks.cancelled;
    }
    work_in_order(workers, steps(range));
    if (failure_) throw Error(*failure_);
    if (cancelled()) fail(Status::kCancelled, "cancelled");
  }

 private:
  struct Worker {
    Worker(const ExecutionReceiver &receiver, const ExecutionRequest &request, const host::Context &pass,
           std::uint32_t number)
        : forwarding(receiver, request, pass, number), views(request.feeds.size()) {}
    host::Context ctx;
    Forwarding forwarding;
    std::vector<ht_tensor_view> views;
  };

  bool cancelled() const {
    return ctx_.sinks.cancelled != nullptr && ctx_.sinks.cancelled->load(std::memory_order_relaxed);
  }

  // Samples begin in order, so that those before a failure are all tried and the first failure is always the same.
  OrderedWork steps(Range range) {
    return {[this, range, next = range.first]() mutable -> std::optional<std::uint64_t> {
              if (next == range.end || failed() || cancelled()) return std::nullopt;
              return next++;
            },
            [this](std::uint32_t number, std::uint64_t sample) -> std::shared_ptr<void> {
              attempt(sample, [&] { one(number, sample); });
              return nullptr;
            },
            [this, range](std::uint64_t sample, const std::shared_ptr<void> &) {
              if (failed()) return;
              attempt(sample, [&] {
                if (receiver_.reduce) receiver_.reduce(sample);
                if (ctx_.sinks.progress) ctx_.sinks.progress(sample + 1 - range.first, range.end - range.first);
              });
            }};
  }

  void one(std::uint32_t number, std::uint64_t sample) {
    Worker &worker = *workers_[number];
    const auto pass_through = [&](const host::Session &session, bool reference) {
      worker.ctx.arena.reset();
      worker.ctx.forget_error();
      request_.fetch(worker.ctx, number, sample, reference, worker.views);
      session.run(worker.ctx, number, worker.views, [&](model::Handle value, const ht_tensor_view &tensor) {
        worker.forwarding.hand_over(reference, sample, value, tensor);
      });
    };
    pass_through(session_, false);
    if (reference_ != nullptr) pass_through(*reference_, true);
  }

  template <typename Body>
  void attempt(std::uint64_t sample, Body &&body) {
    try {
      body();
    } catch (const Error &error) {
      keep(sample, error);
    } catch (const std::bad_alloc &) {
      keep(sample, Error(Status::kResourceExhausted, "out of memory"));
    } catch (const std::exception &error) {
      keep(sample, Error(Status::kInternal, error.what()));
    }
  }

  bool failed() {
    const std::scoped_lock lock(mutex_);
    return failure_.has_value();
  }

  void keep(std::uint64_t sample, const Error &error) {
    const std::scoped_lock lock(mutex_);
    if (failure_ && failed_ <= sample) return;
    failed_ = sample;
    failure_.emplace(error);
  }

  host::Context &ctx_;
  const ExecutionRequest &request_;
  const ExecutionReceiver &receiver_;
  const host::Session &session_;
  const host::Session *reference_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::mutex mutex_;
  std::uint64_t failed_ = 0;
  std::optional<Error> failure_;
};

// What running one sample takes on a worker, from the shapes of the first.
std::uint64_t worker_bytes(host::Context &ctx, const ExecutionRequest &request, const Range &range,
                           const std::vector<const host::Session *> &sessions) {
  host::Context own;
  own.component = ctx.component;
  std::vector<ht_tensor_view> views(request.feeds.size());
  std::uint64_t bytes = request.sink_worker_bytes;
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    request.fetch(own, 0, range.first, i > 0, views);
    bytes += sessions[i]->memory(own, views).worker;
  }
  return bytes;
}

}  // namespace

host::ExecutionOutcome run_fed(const host::Instance &executor, host::Context &ctx, const ExecutionRequest &request,
                               const ExecutionReceiver &receiver, const CalibrationSettings &settings) {
  require_values(ctx.working->model, request.values);
  require_feeds(ctx.working->model, request);
  const Range range = range_of(request);
  std::uint32_t workers = calibration::worker_count(settings.threads, range.end - range.first);
  // Scales that the pass has set count at once for those that borrow them.
  ctx.working->configs.settle_slaves();
  const auto session = open(executor, ctx, *ctx.working, request, request.values, request.mode, workers);
  std::vector<const host::Session *> sessions = {session.get()};
  std::unique_ptr<host::Session> reference;
  if (!request.references.empty()) {
    if (ctx.original == nullptr) fail(Status::kFailedPrecondition, "this call has no float network to compare with");
    require_values(ctx.original->model, request.references);
    require_feeds(ctx.original->model, request);
    reference = open(executor, ctx, *ctx.original, request, request.references, host::Mode::kFloat, workers);
    sessions.push_back(reference.get());
  }
  if (settings.memory_budget) {
    const std::uint64_t bytes = worker_bytes(ctx, request, range, sessions);
    workers = fit_pieces(settings, ctx.working->model, workers, bytes).workers;
  }
  if (receiver.prepare) receiver.prepare(workers);
  FedRun(ctx, request, receiver, *session, reference.get()).run(range, workers);
  return {workers, range.end - range.first, 0};
}

}  // namespace halftone::pipeline
