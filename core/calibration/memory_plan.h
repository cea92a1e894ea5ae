// What a data pass will hold in memory, and how many workers a budget allows.
#pragma once

#include <cstdint>
#include <string>

namespace halftone::calibration {

// Bytes. What is there once, and what comes with each worker.
struct MemoryNeed {
  std::uint64_t process = 0;     // held before the pass: program, model, weights of the session
  std::uint64_t shared = 0;      // of that, weights in the layouts of the kernels
  std::uint64_t statistics = 0;  // one set of them, when all values have both signs
  std::uint64_t groups = 0;      // those of groups of samples
  std::uint64_t waiting = 0;     // those of one worker's samples that wait to be joined to their groups
  std::uint64_t arena = 0;       // intermediate tensors of one worker
  std::uint64_t in_flight = 0;   // one sample on its way: as stored, decoded, preprocessed
  std::uint64_t sets = 1;        // sets of statistics that a worker keeps: its own, and its present sample's
  // What follows beside process and statistics, once and on each worker: searches, the export, an evaluation.
  std::uint64_t afterwards = 0, afterwards_each = 0;
};

struct MemoryPlan {
  MemoryNeed need;
  std::uint32_t workers = 0;
  std::uint64_t total = 0;  // largest at any time
  std::uint64_t budget = 0;
  std::uint64_t spare = 0;  // of the budget, which samples larger than the first may use, by all workers

  // "41.2 of 64.0 MiB: process 25.1 MiB (weights 1.2), 2 workers with 3.1 MiB ...", for the user.
  std::string text() const;
};

// The plan with the most workers, up to `wanted`, that the budget allows. Throws ResourceExhausted, naming the parts
// and the least that would do, when one worker does not fit.
MemoryPlan plan_memory(const MemoryNeed &need, std::uint32_t wanted, std::uint64_t budget);

}  // namespace halftone::calibration
