#include "core/base/threads.h"

#include <utility>
#include <vector>

#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_pipeline.h>
#include <tbb/partitioner.h>
#include <tbb/task_arena.h>

#include "core/base/handover.h"

namespace halftone {
namespace {

// What is done before the threads begin, told by whoever calls oneTBB to the bodies that it calls.
Handover g_begun;

// A body reads what it is made of before it can take anything over.
#if defined(__SANITIZE_THREAD__)
#define HALFTONE_BODY __attribute__((no_sanitize_thread))
#else
#define HALFTONE_BODY
#endif

void in_arena(std::uint32_t workers, const std::function<void()> &body) {
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, workers);
  tbb::task_arena arena(static_cast<int>(workers));
  arena.execute(body);
}

class Loop {
 public:
  explicit Loop(const std::function<void(std::uint32_t)> &work) : work_(work) {}

  void run(std::uint32_t workers) {
    g_begun.give();
    tbb::parallel_for(
        std::uint32_t{0}, workers, [this](std::uint32_t worker) HALFTONE_BODY { one(worker); },
        tbb::simple_partitioner());
    worked_.take();
  }

 private:
  void one(std::uint32_t worker) {
    g_begun.take();
    work_(worker);
    worked_.give();
  }

  const std::function<void(std::uint32_t)> &work_;
  Handover worked_;
};

class Line {
 public:
  Line(std::uint32_t workers, const OrderedWork &steps) : steps_(steps), turns_(workers), slots_(workers * 2) {}

  void run() {
    g_begun.give();
    const auto begin = tbb::make_filter<void, std::uint64_t>(
        tbb::filter_mode::serial_in_order,
        [this](tbb::flow_control &control) HALFTONE_BODY -> std::uint64_t { return next(control); });
    const auto work = tbb::make_filter<std::uint64_t, std::uint64_t>(
        tbb::filter_mode::parallel, [this](std::uint64_t turn) HALFTONE_BODY -> std::uint64_t { return one(turn); });
    const auto end = tbb::make_filter<std::uint64_t, void>(tbb::filter_mode::serial_in_order,
                                                           [this](std::uint64_t turn) HALFTONE_BODY { finish(turn); });
    tbb::parallel_pipeline(slots_.size(), begin & work & end);
    begun_.take();
    worked_.take();
    finished_.take();
  }

 private:
  // A piece on its way. There are as many as pieces may be, so that one is free again when its next turn comes.
  struct Slot {
    std::uint64_t piece = 0;
    std::shared_ptr<void> left;
  };
  Slot &slot(std::uint64_t turn) { return slots_[turn % slots_.size()]; }

  std::uint64_t next(tbb::flow_control &control) {
    g_begun.take();
    finished_.take();
    const HandoverInTurn in_turn(begun_);
    const std::optional<std::uint64_t> piece = steps_.next();
    if (!piece) {
      control.stop();
      return 0;
    }
    slot(turn_).piece = *piece;
    return turn_++;
  }

  std::uint64_t one(std::uint64_t turn) {
    g_begun.take();
    begun_.take();
    const auto worker = static_cast<std::uint32_t>(tbb::this_task_arena::current_thread_index());
    {
      // Another thread may have been this worker before.
      const HandoverInTurn in_turn(turns_.at(worker));
      slot(turn).left = steps_.work(worker, slot(turn).piece);
    }
    worked_.give();
    return turn;
  }

  void finish(std::uint64_t turn) {
    g_begun.take();
    worked_.take();
    const HandoverInTurn in_turn(finished_);
    steps_.finish(slot(turn).piece, std::exchange(slot(turn).left, nullptr));
  }

  const OrderedWork &steps_;
  std::vector<Handover> turns_;  // at the workers
  std::vector<Slot> slots_;
  std::uint64_t turn_ = 0;
  Handover begun_, worked_, finished_;
};

}  // namespace

void on_workers(std::uint32_t workers, const std::function<void(std::uint32_t)> &work) {
  if (workers == 1) return work(0);
  in_arena(workers, [&] { Loop(work).run(workers); });
}

void work_in_order(std::uint32_t workers, const OrderedWork &steps) {
  in_arena(workers, [&] { Line(workers, steps).run(); });
}

}  // namespace halftone
