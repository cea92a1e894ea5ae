#include "core/pipeline/scale_search.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <utility>

#include "core/base/resident_window.h"
#include "core/base/threads.h"
#include "core/calibration/sample_flow.h"
#include "core/host/service/baked.h"
#include "core/host/service/table.h"
#include "core/pipeline/block_rows.h"
#include "core/pipeline/observer_gatherer.h"
#include "halftone/observer.h"

namespace halftone::pipeline {

namespace {

// Services could reach what other threads use: the working model, or memory of the pass.
bool may_share_threads(const RangeTask &task) {
  const ht_component &description = *task.observer->component().description;
  return description.threading == HT_THREADING_FREE && description.capabilities == 0;
}

// What an observer with accumulators of its own makes of the tensor; null where it needs none.
std::unique_ptr<calibration::Gatherer> gather_tensor(host::Context &ctx, const RangeTask &task,
                                                     const ht_tensor_view &view, const ht_statistics &statistics) {
  std::unique_ptr<calibration::Gatherer> last;
  if (!has_accumulators(*task.observer)) return last;
  for (int pass = 0;; ++pass) {
    auto next = begin_gathering(ctx, *task.observer, task.spec, pass == 0 ? nullptr : &statistics, last.get());
    if (!next && pass > 0) break;
    if (!next) continue;
    if (pass == kMostPasses) refuse_more_passes(*task.observer);
    next->observe(ctx, view);
    last = std::move(next);
  }
  return last;
}

FoundRange range_of_view(host::Context &ctx, RangeTask &task, const ht_tensor_view &view) {
  calibration::Accumulator seen(task.request);
  if (!seen.observe(view)) {
    fail(Status::kFailedPrecondition, "'{}', {}, holds values that are NaN or infinite; repair the model",
         task.tensor_name, task.slot);
  }
  const calibration::PlainStatistics statistics(seen, 1);
  const std::unique_ptr<calibration::Gatherer> gathered = gather_tensor(ctx, task, view, statistics.get());
  task.gathered = gathered.get();
  return derive_range(ctx, task, statistics.get());
}

// Each block is seen as a channel of its own, among blocks of its length.
FoundRange range_of_blocks(host::Context &ctx, const RangeTask &whole, const ht_tensor_view &view) {
  RangeTask task = whole;
  task.spec.granularity = HT_PER_CHANNEL;
  task.spec.axis = task.spec.block_size = 0;
  task.request.channel_axis = 0;
  FoundRange found;
  const std::span<const float> values(static_cast<const float *>(view.data), whole.tensor->floats().size());
  for (BlockRows &rows : block_rows(values, whole.tensor->shape(), whole.spec)) {
    ht_tensor_view part = view;
    part.shape = rows.shape.data();
    part.rank = 2;
    part.data = rows.values.data();
    const FoundRange ranges = range_of_view(ctx, task, part);
    const std::size_t count = std::max<std::size_t>(found.low.size(), std::ranges::max(rows.scales) + 1);
    found.low.resize(count);
    found.high.resize(count);
    for (std::size_t row = 0; row < rows.scales.size(); ++row) {
      found.low[rows.scales[row]] = ranges.low[row];
      found.high[rows.scales[row]] = ranges.high[row];
    }
    found.rule = ranges.rule;
    found.from_samples = ranges.from_samples;
  }
  return found;
}

FoundRange range_of_tensor(host::Context &ctx, const RangeTask &whole) {
  announce_read(whole.tensor->bytes());
  ht_tensor_view view = host::view_of(*whole.tensor);
  if (whole.baked) view.data = host::fake_quantized(&ctx, *whole.tensor, *whole.baked);
  if (whole.spec.granularity == HT_PER_BLOCK) return range_of_blocks(ctx, whole, view);
  RangeTask task = whole;
  return range_of_view(ctx, task, view);
}

FoundRange find_range(host::Context &ctx, const RangeTask &task) {
  if (task.collected == nullptr) return range_of_tensor(ctx, task);
  return derive_range(ctx, task, calibration::PlainStatistics(*task.collected).get());
}

// What a task left behind for the ordered step.
struct Attempt {
  FoundRange found;
  std::optional<Error> error;
  std::vector<host::LogLine> log;
  std::vector<std::pair<std::string, std::string>> report;
};

class Search {
 public:
  Search(host::Context &ctx, const std::vector<std::unique_ptr<RangeTask>> &tasks)
      : ctx_(ctx), tasks_(tasks), attempts_(tasks.size()), failed_(tasks.size()) {}

  void run(std::uint32_t workers) {
    on_workers(workers, [this](std::uint32_t) { work(); });
    work_alone();
    if (cancelled()) fail(Status::kCancelled, "cancelled");
  }

  void apply(const std::function<void(std::size_t, const FoundRange &)> &apply) {
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
      const Attempt attempt = std::exchange(attempts_[i], {});
      for (const host::LogLine &line : attempt.log) ctx_.sinks.log(line);
      ctx_.report.insert(ctx_.report.end(), attempt.report.begin(), attempt.report.end());
      if (attempt.error) throw Error(*attempt.error);
      apply(i, attempt.found);
    }
  }

 private:
  bool cancelled() const {
    return ctx_.sinks.cancelled != nullptr && ctx_.sinks.cancelled->load(std::memory_order_relaxed);
  }

  // [worker] Tasks are taken in order, so that those before a failure are all tried.
  void work() {
    host::Context own;
    own.sinks.cancelled = ctx_.sinks.cancelled;
    for (std::size_t i = next_++; i < tasks_.size() && i <= failed_ && !cancelled(); i = next_++) {
      if (may_share_threads(*tasks_[i])) attempt(own, i);
    }
  }

  // The others, with all that the pass may reach.
  void work_alone() {
    host::Context own;
    own.working = ctx_.working;
    own.calibration = ctx_.calibration;
    own.target = ctx_.target;
    own.kernels = ctx_.kernels;
    own.execution = ctx_.execution;
    own.parallel = ctx_.parallel;
    own.sinks.cancelled = ctx_.sinks.cancelled;
    for (std::size_t i = 0; i < tasks_.size() && i <= failed_ && !cancelled(); ++i) {
      if (!may_share_threads(*tasks_[i])) attempt(own, i);
    }
  }

  void attempt(host::Context &own, std::size_t i) {
    own.arena.reset();
    Attempt &result = attempts_[i];
    if (ctx_.sinks.log) own.sinks.log = [&result](const host::LogLine &line) { result.log.push_back(line); };
    try {
      result.found = find_range(own, *tasks_[i]);
    } catch (const Error &error) {
      result.error = error;
    } catch (const std::bad_alloc &) {
      result.error.emplace(Status::kResourceExhausted, "out of memory");
    } catch (const std::exception &error) {
      result.error.emplace(Status::kInternal, error.what());
    }
    result.report = std::exchange(own.report, {});
    count_one();
    if (!result.error) return;
    for (std::size_t least = failed_; i < least && !failed_.compare_exchange_weak(least, i);) {
    }
  }

  void count_one() {
    const std::scoped_lock lock(progress_);
    ++done_;
    if (ctx_.sinks.progress) ctx_.sinks.progress(done_, tasks_.size());
  }

  host::Context &ctx_;
  const std::vector<std::unique_ptr<RangeTask>> &tasks_;
  std::vector<Attempt> attempts_;
  std::atomic<std::size_t> next_{0};
  std::atomic<std::size_t> failed_;  // the first failure in order so far
  std::mutex progress_;
  std::uint64_t done_ = 0;
};

// While it lives, failures are blamed on the component that is called; then on the caller again, whatever happened.
class Caller {
 public:
  Caller(host::Context &ctx, std::string called) : ctx_(ctx), name_(std::exchange(ctx.component, std::move(called))) {}
  ~Caller() { ctx_.component = name_; }
  Caller(const Caller &) = delete;
  Caller &operator=(const Caller &) = delete;

 private:
  host::Context &ctx_;
  std::string name_;
};

}  // namespace

FoundRange derive_range(host::Context &ctx, const RangeTask &task, const ht_statistics &statistics) {
  const std::uint64_t count = task.spec.granularity == HT_PER_CHANNEL ? statistics.channel_count : 1;
  if (count == 0) {
    fail(Status::kFailedPrecondition, "{} is quantized per channel, but its statistics have no channels", task.slot);
  }
  FoundRange found;
  found.low.resize(count);
  found.high.resize(count);
  ht_str rule{};
  const auto &role = task.observer->role<ht_observer>(HT_OBSERVER_1);
  const Caller caller(ctx, std::string(task.observer->component().id()));
  host::call_component(ctx, [&] {
    if (task.gathered != nullptr) {
      return role.finish(task.observer->raw(), &ctx, raw_accumulator(*task.gathered), &statistics, &task.spec, count,
                         found.low.data(), found.high.data(), &rule);
    }
    return role.derive(task.observer->raw(), &ctx, &statistics, &task.spec, count, found.low.data(), found.high.data(),
                       &rule);
  });
  found.rule = rule.data == nullptr ? task.observer->component().id() : host::text(&rule);
  found.from_samples = statistics.sample_count > 0;
  return found;
}

void find_ranges(host::Context &ctx, const std::vector<std::unique_ptr<RangeTask>> &tasks, std::uint32_t threads,
                 const std::function<void(std::size_t, const FoundRange &)> &apply) {
  Search search(ctx, tasks);
  search.run(calibration::worker_count(threads, tasks.size()));
  search.apply(apply);
}

}  // namespace halftone::pipeline
