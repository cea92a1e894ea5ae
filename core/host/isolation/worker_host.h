// The host's side of a component that runs in a worker process: one process for each instance.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/host/child_process.h"
#include "core/host/isolation/link.h"
#include "core/host/isolation/remote_slots.h"
#include "core/host/registry.h"

namespace halftone::host {

struct WorkerOptions {
  std::filesystem::path program = default_program();  // <prefix>/libexec/halftone/halftone-worker
  std::chrono::milliseconds silence{300000};          // how long it may do nothing that the host hears of; 0: for ever
  std::vector<std::filesystem::path> kernels;         // plug-ins with operator kernels, for who may execute

  static std::filesystem::path default_program();
};

class WorkerHost {
 public:
  // Starts the process and loads the plug-in there. Throws Error.
  WorkerHost(const Component &component, const WorkerOptions &options);
  ~WorkerHost();

  // Does an order in the worker for the call of `ctx`; `answer`, if any, reads what it gives. The status is that of the
  // component's function, whose errors are recorded in `ctx`; what `answer` reads lives in the context's arena. Throws
  // Error when the worker is lost, now or before.
  using Answer = std::function<void(WireReader &)>;
  ht_status order(ht_ctx &ctx, Order what, WireWriter &arguments, const Answer &answer = {});

 private:
  struct Stored;
  std::uint32_t enter(ht_ctx &ctx, bool &is_new);
  void leave(ht_ctx &ctx);
  ht_ctx &context(std::uint32_t number);
  std::int32_t serve(const Message &call, WireWriter &answer);
  std::int32_t serve_own(Ask what, ht_ctx &ctx, WireReader &reader, WireWriter &answer);
  ht_status give_initializer(ht_ctx &ctx, WireReader &reader, WireWriter &answer);
  ht_status run_trials(ht_ctx &ctx, WireReader &reader, WireWriter &answer);
  ht_status run_model(ht_ctx &ctx, WireReader &reader, WireWriter &answer);
  void tick();
  [[noreturn]] void lost(const Error &error);

  std::string name_;  // "pass 'x'"
  std::uint64_t capabilities_;
  std::chrono::milliseconds silence_;
  ChildProcess process_;
  std::unique_ptr<Link> link_;
  std::mutex mutex_;  // of what follows
  std::vector<std::pair<std::uint32_t, ht_ctx *>> active_;
  std::optional<Error> lost_;
  std::map<ht_handle, std::unique_ptr<Stored>> stored_;  // initializers that the worker has
  std::uint64_t next_token_ = 1;
  const std::atomic<bool> *cancelled_ = nullptr;
  std::atomic<std::chrono::steady_clock::time_point> heard_, cancelled_at_;
};

}  // namespace halftone::host
