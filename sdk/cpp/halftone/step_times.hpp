// Times of steps that run one after the other, for executors whose sessions may be timed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "halftone/executor.hpp"

namespace halftone::sdk {

// Each worker takes its own times. Without workers none are taken.
class StepTimes {
 public:
  explicit StepTimes(const ht_session_options &options) : workers_(is_timed(options) ? options.worker_count : 0) {}

  // Calls compute(i) for every step. [worker]
  template <typename Compute>
  void run(std::uint32_t worker, std::size_t steps, const Compute &compute) {
    if (workers_.empty()) {
      for (std::size_t i = 0; i < steps; ++i) compute(i);
      return;
    }
    Worker &times = workers_.at(worker);
    ++times.runs;
    times.nanoseconds.resize(steps);
    for (std::size_t i = 0; i < steps; ++i) {
      const auto start = std::chrono::steady_clock::now();
      compute(i);
      times.nanoseconds[i] += static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count());
    }
  }

  // Adds the runs of step `i` and their time, of all workers. [run]
  void add_to(ht_step &step, std::size_t i) const {
    for (const Worker &times : workers_) {
      step.runs += times.runs;
      if (times.runs > 0) step.nanoseconds += times.nanoseconds[i];
    }
  }

 private:
  struct Worker {
    std::uint64_t runs = 0;
    std::vector<std::uint64_t> nanoseconds;  // by step
  };
  std::vector<Worker> workers_;
};

}  // namespace halftone::sdk
