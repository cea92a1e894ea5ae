// The threads of a run: every use of oneTBB is behind these two functions. What their arguments throw ends the work and
// is thrown to the caller.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace halftone {

// Calls work(0) to work(workers - 1), at the same time where there are as many processors.
void on_workers(std::uint32_t workers, const std::function<void(std::uint32_t)> &work);

// What is done with numbered pieces.
struct OrderedWork {
  std::function<std::optional<std::uint64_t>()> next;  // one at a time; nothing: there are no more
  // At the same time for different workers; a worker's number is below the number of workers.
  std::function<std::shared_ptr<void>(std::uint32_t worker, std::uint64_t piece)> work;
  std::function<void(std::uint64_t piece, const std::shared_ptr<void> &left)> finish;  // one at a time, in order
};

// Pieces that are begun and not yet finished are at most twice as many as workers.
void work_in_order(std::uint32_t workers, const OrderedWork &steps);

}  // namespace halftone
