#include "core/calibration/sample_flow.h"

#include <algorithm>
#include <optional>
#include <thread>

#include "core/base/threads.h"

namespace halftone::calibration {

namespace {

// What becomes of a sample on its way from a worker to the ordered step.
struct Token {
  std::shared_ptr<void> left;        // from the sink
  std::shared_ptr<const Error> bad;  // the sample could not be used
  bool behind_last = false;          // there was none
};

// Everything a worker owns; created by the thread that uses it first.
struct Worker {
  host::Context ctx;
  std::unique_ptr<SampleSink> sink;
};

class Flow {
 public:
  Flow(const Dataset &dataset, const host::Session &session, const FlowOptions &options,
       const std::function<std::unique_ptr<SampleSink>(std::uint32_t)> &make_sink,
       const std::function<void(std::uint64_t, const std::shared_ptr<void> &)> &reduce)
      : dataset_(dataset), session_(session), options_(options), make_sink_(make_sink), reduce_(reduce) {
    total_ = samples_from(options.first, options.limit, dataset.count());
    told_total_ = total_ < kUncounted ? total_ : 0;
    workers_.resize(options.workers);
  }

  FlowResult run() {
    work_in_order(options_.workers, steps());
    if (failure_) throw Error(*failure_);
    if (options_.ledger != nullptr) options_.ledger->add(result_.skipped);
    return std::move(result_);
  }

 private:
  OrderedWork steps() {
    return {[this, next = std::uint64_t{0}]() mutable -> std::optional<std::uint64_t> {
              if (next == total_ || stop_.load(std::memory_order_relaxed) || ended_.load(std::memory_order_relaxed)) {
                return std::nullopt;
              }
              return options_.first + next++;
            },
            [this](std::uint32_t number, std::uint64_t index) -> std::shared_ptr<void> {
              return std::make_shared<Token>(process(number, index));
            },
            [this](std::uint64_t index, const std::shared_ptr<void> &left) {
              finish(index, *static_cast<const Token *>(left.get()));
            }};
  }

  Token process(std::uint32_t number, std::uint64_t index) {
    Token token;
    if (stop_.load(std::memory_order_relaxed) || known_bad(index) != nullptr) return token;
    try {
      if (options_.sinks.cancelled != nullptr && options_.sinks.cancelled->load(std::memory_order_relaxed)) {
        fail(Status::kCancelled, "cancelled");
      }
      token.behind_last = !work(worker(number), number, index, token.left);
      if (token.behind_last) ended_.store(true, std::memory_order_relaxed);
    } catch (const Error &error) {
      token.bad = std::make_shared<const Error>(error);
    } catch (const std::exception &error) {
      token.bad = std::make_shared<const Error>(Status::kInternal, error.what());
    }
    return token;
  }

  const std::string *known_bad(std::uint64_t index) const {
    return options_.ledger == nullptr ? nullptr : options_.ledger->reason(index);
  }

  Worker &worker(std::uint32_t number) {
    std::unique_ptr<Worker> &slot = workers_.at(number);
    if (!slot) {
      slot = std::make_unique<Worker>();
      slot->ctx.sinks = options_.sinks;
      slot->ctx.arena.limit(options_.sample_memory);
      slot->sink = make_sink_(number);
    }
    return *slot;
  }

  // False behind the last sample.
  bool work(Worker &worker, std::uint32_t number, std::uint64_t index, std::shared_ptr<void> &left) {
    worker.ctx.arena.reset();
    const std::optional<Sample> found = read(worker.ctx, index);
    if (!found) return false;
    const Sample &sample = *found;
    worker.sink->begin(index);
    try {
      session_.run(
          worker.ctx, number, sample.inputs,
          [&](model::Handle value, const ht_tensor_view &tensor) { worker.sink->value(value, tensor); },
          [&](host::Context &ctx, std::span<const ht_tensor_view> inputs) { worker.sink->frame(ctx, inputs); });
    } catch (Error &error) {
      error.note("while running sample " + dataset_.name(worker.ctx, index));
      throw;
    }
    left = worker.sink->take(worker.ctx, sample);
    return true;
  }

  std::optional<Sample> read(host::Context &ctx, std::uint64_t index) const {
    try {
      std::optional<Sample> sample = dataset_.read_if_any(ctx, index);
      if (sample && options_.admit) options_.admit(ctx, *sample);
      return sample;
    } catch (Error &error) {
      if (error.status() == Status::kResourceExhausted) {
        host::Context unlimited;
        error.note("for sample " + dataset_.name(unlimited, index));
      }
      throw;
    }
  }

  void finish(std::uint64_t index, const Token &token) {
    if (failure_ || token.behind_last) return;
    if (const std::string *reason = known_bad(index)) {
      result_.skipped.push_back({index, *reason});
      return;
    }
    if (token.bad) {
      if (options_.on_bad_sample == BadSample::kSkip && is_data_fault(token.bad->status())) {
        result_.skipped.push_back({index, token.bad->what()});
      } else {
        failure_.emplace(*token.bad);
        stop_.store(true, std::memory_order_relaxed);
      }
      return;
    }
    // After a stop the tokens still in flight carry nothing; the failure that stopped the flow comes later in order.
    if (stop_.load(std::memory_order_relaxed)) return;
    try {
      reduce_(index, token.left);
      ++result_.samples;
      if (options_.sinks.progress) options_.sinks.progress(index - options_.first + 1, told_total_);
    } catch (const Error &error) {
      failure_.emplace(error);
      stop_.store(true, std::memory_order_relaxed);
    }
  }

  const Dataset &dataset_;
  const host::Session &session_;
  const FlowOptions &options_;
  const std::function<std::unique_ptr<SampleSink>(std::uint32_t)> &make_sink_;
  const std::function<void(std::uint64_t, const std::shared_ptr<void> &)> &reduce_;
  std::uint64_t total_ = 0, told_total_ = 0;  // told: 0 where only the end of the samples will tell
  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<bool> stop_{false}, ended_{false};
  std::optional<Error> failure_;  // of the serial step only
  FlowResult result_;
};

}  // namespace

std::vector<std::string> reasons_of(const std::vector<SkippedSample> &skipped) {
  std::vector<std::string> reasons;
  for (const SkippedSample &sample : skipped) reasons.push_back(sample.reason);
  return reasons;
}

bool is_data_fault(Status status) {
  return status == Status::kDataLoss || status == Status::kInvalidArgument;
}

std::uint64_t samples_from(std::uint64_t first, std::uint64_t limit, std::uint64_t all) {
  const std::uint64_t left = all - std::min(first, all);
  return limit == 0 ? left : std::min(limit, left);
}

FlowResult run_flow(const Dataset &dataset, const host::Session &session, const FlowOptions &options,
                    const std::function<std::unique_ptr<SampleSink>(std::uint32_t)> &make_sink,
                    const std::function<void(std::uint64_t, const std::shared_ptr<void> &)> &reduce) {
  return Flow(dataset, session, options, make_sink, reduce).run();
}

std::uint32_t worker_count(std::uint32_t requested, std::uint64_t samples) {
  const std::uint32_t wanted = requested == 0 ? std::max(1U, std::thread::hardware_concurrency()) : requested;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(samples, 1, wanted));
}

}  // namespace halftone::calibration
