// In a worker process: how a context reaches the host's side of its call.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/isolation/wire.h"
#include "core/host/kernel_index.h"
#include "halftone/execution.h"
#include "halftone/parallel.h"
#include "halftone/trial.h"

namespace halftone::host {

// An initializer that this process has already.
struct KnownInitializer {
  std::uint64_t token = 0;
  Arena arena;
  std::vector<std::shared_ptr<const SharedBytes>> kept;
  ht_tensor_view view{};
};

class HostLink {
 public:
  virtual ~HostLink() = default;
  // Asks the host, for the call of `ctx`, to do a function: of remote_slots.h, or an Ask. The answer's status is that
  // of the function. A process without host ends here.
  virtual Message ask(ht_ctx &ctx, std::uint32_t function, WireWriter &arguments) = 0;
  // Shared memory of answers, for as long as the call of `ctx` lasts.
  virtual std::vector<std::shared_ptr<const SharedBytes>> *kept(ht_ctx &ctx) = 0;
  // As it is now: null, with the status, when the host has none.
  virtual std::shared_ptr<const KnownInitializer> initializer(ht_ctx &ctx, ht_handle value, ht_status &status) = 0;
  // While the model runs, the host's calls to a sink come by its number.
  virtual std::uint32_t enter_sink(const ht_execution_sink &sink) = 0;
  virtual std::uint32_t enter_sink(const ht_trial_sink &sink) = 0;
  virtual void leave_sink() = 0;
  virtual const KernelIndex &kernels() const = 0;
};

// The table of a service in a worker process.
const void *worker_service(std::string_view id, std::uint64_t capabilities);
// Why a component that needs the service cannot be isolated; empty for one that a worker process has.
std::string_view not_in_worker(std::string_view service);

// What ht_host does in a worker process. A failure is told as it is given; the host says what it means.
void log_to_host(ht_ctx &ctx, std::uint32_t level, std::string text);
ht_status fail_at_host(ht_ctx &ctx, ht_status status, std::string text, ht_handle subject);

// What a component's own threads, and not the host, do: bodies of "ht.parallel/1" in a worker process.
ht_status work_in_threads(ht_ctx *ctx, std::uint64_t count, std::uint32_t workers, ht_parallel_body body, void *user);

}  // namespace halftone::host
