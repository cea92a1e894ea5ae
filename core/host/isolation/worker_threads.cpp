// Parallel bodies of a component in a worker process: on threads of this process, as many as the host allows.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/host/isolation/host_link.h"
#include "core/host/service/tables.h"

namespace halftone::host {
namespace {

class Pieces {
 public:
  Pieces(ht_ctx *ctx, std::uint64_t count, ht_parallel_body body, void *user)
      : ctx_(ctx), count_(count), body_(body), user_(user), failed_(count) {}

  ht_status run(std::uint32_t workers) {
    std::vector<std::thread> threads;
    for (std::uint32_t worker = 1; worker < workers; ++worker) threads.emplace_back([this, worker] { work(worker); });
    work(0);
    for (std::thread &thread : threads) thread.join();
    if (cancelled_ && !failure_) return HT_CANCELLED;  // told already
    return serve(ctx_, [&] {
      if (failure_) throw Error(*failure_);
    });
  }

 private:
  // In order, so that those before a failure are all tried, and the first failure is always the same.
  void work(std::uint32_t worker) {
    ht_ctx own;
    own.component = ctx_->component;
    for (std::uint64_t i = next_++; i < count_ && i <= failed_ && !cancelled_; i = next_++) {
      own.arena.reset();
      own.forget_error();
      try {
        call_component(own, [&] { return body_(user_, &own, worker, i); });
        if (worker == 0) tell();
        ++done_;
      } catch (const Error &error) {
        const std::scoped_lock lock(mutex_);
        if (i >= failed_) continue;
        failed_ = i;
        failure_.emplace(error);
      }
    }
  }

  // By the call's own thread, so that the host hears of the work and this hears of a cancelled run.
  void tell() {
    const auto *progress = static_cast<const ht_progress *>(worker_service(HT_PROGRESS_1, 0));
    if (progress->poll(ctx_, done_ + 1, count_) == HT_CANCELLED) cancelled_ = true;
  }

  ht_ctx *ctx_;
  std::uint64_t count_;
  ht_parallel_body body_;
  void *user_;
  std::atomic<std::uint64_t> next_{0}, failed_, done_{0};
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::optional<Error> failure_;
};

}  // namespace

ht_status work_in_threads(ht_ctx *ctx, std::uint64_t count, std::uint32_t workers, ht_parallel_body body, void *user) {
  return Pieces(ctx, count, body, user).run(workers);
}

}  // namespace halftone::host
