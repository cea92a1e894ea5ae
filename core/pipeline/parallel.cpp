#include "core/pipeline/parallel.h"

#include <atomic>
#include <mutex>
#include <new>
#include <optional>

#include "core/base/threads.h"
#include "core/calibration/sample_flow.h"
#include "core/pipeline/memory_fit.h"

namespace halftone::pipeline {
namespace {

using Body = std::function<void(host::Context &, std::uint32_t, std::uint64_t)>;

class Pieces {
 public:
  Pieces(host::Context &ctx, std::uint64_t count, const Body &body)
      : ctx_(ctx), count_(count), body_(body), failed_(count) {}

  void run(std::uint32_t workers) {
    on_workers(workers, [this](std::uint32_t worker) { work(worker); });
    if (failure_) throw Error(*failure_);
    if (cancelled()) fail(Status::kCancelled, "cancelled");
  }

 private:
  bool cancelled() const {
    return ctx_.sinks.cancelled != nullptr && ctx_.sinks.cancelled->load(std::memory_order_relaxed);
  }

  // Pieces are taken in order, so that those before a failure are all tried, and the first failure is always the same.
  void work(std::uint32_t worker) {
    host::Context own;
    own.component = ctx_.component;
    own.sinks.cancelled = ctx_.sinks.cancelled;
    for (std::uint64_t i = next_++; i < count_ && i <= failed_ && !cancelled(); i = next_++) {
      own.arena.reset();
      own.forget_error();
      try {
        body_(own, worker, i);
        count_one();
      } catch (const Error &error) {
        keep(i, error);
      } catch (const std::bad_alloc &) {
        keep(i, Error(Status::kResourceExhausted, "out of memory"));
      } catch (const std::exception &error) {
        keep(i, Error(Status::kInternal, error.what()));
      }
    }
  }

  void keep(std::uint64_t index, const Error &error) {
    const std::scoped_lock lock(mutex_);
    if (index >= failed_) return;
    failed_ = index;
    failure_.emplace(error);
  }

  void count_one() {
    const std::scoped_lock lock(mutex_);
    ++done_;
    if (ctx_.sinks.progress) ctx_.sinks.progress(done_, count_);
  }

  host::Context &ctx_;
  std::uint64_t count_;
  const Body &body_;
  std::atomic<std::uint64_t> next_{0};
  std::atomic<std::uint64_t> failed_;  // the first failure in order so far
  std::mutex mutex_;
  std::optional<Error> failure_;
  std::uint64_t done_ = 0;
};

}  // namespace

std::uint32_t Parallel::workers(host::Context &ctx, std::uint64_t count, std::uint64_t worker_bytes) {
  const std::uint32_t wanted = calibration::worker_count(settings_.threads, count);
  if (!settings_.memory_budget) return wanted;
  const model::Model none;
  return fit_pieces(settings_, ctx.working == nullptr ? none : ctx.working->model, wanted, worker_bytes).workers;
}

void Parallel::for_each(host::Context &ctx, std::uint64_t count, std::uint64_t worker_bytes, const Body &body) {
  if (count == 0) return;
  Pieces(ctx, count, body).run(workers(ctx, count, worker_bytes));
}

}  // namespace halftone::pipeline
