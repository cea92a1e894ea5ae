// What `ht_ctx` is: the host's side of one call into a component.
//
// A context ties a component's call to the working model, an arena, the error chain, progress and the services of the
// run. Worker threads have contexts of their own that share the read-only parts.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/model/model.h"
#include "core/quant/config.h"
#include "halftone/plugin.h"
#include "halftone/target.h"

namespace halftone::host {

// What a dispatcher decided about a node.
struct Dispatch {
  std::uint32_t verdict = HT_DISPATCH_OPEN;
  std::string reason;
};

// The model with all that quantization adds to it. Copyable: a transaction works on a copy.
struct WorkingModel {
  model::Model model;
  quant::ConfigTable configs;
  std::map<model::Handle, std::string> float_reasons;  // why a node stays in float
  std::map<model::Handle, Dispatch> dispatch;          // nodes that a dispatcher has decided about
};

// Memory that is freed at once. It grows in chunks; reset() makes one of them, so that the next call of the same size
// needs no other, and calls of many sizes need no more than twice the largest.
class Arena {
 public:
  // Throws ResourceExhausted beyond the limit.
  void *allocate(std::size_t bytes, std::size_t alignment);
  // Counts memory of the caller's own towards the limit until reset(); throws as allocate() does.
  void charge(std::size_t bytes);
  void limit(std::size_t bytes) noexcept { limit_ = bytes; }
  std::size_t held() const noexcept { return held_ + charged_; }
  void reset() noexcept;

 private:
  void require(std::size_t bytes) const;

  struct Chunk {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size = 0, used = 0;
  };
  std::vector<Chunk> chunks_;
  std::size_t current_ = 0, held_ = 0, charged_ = 0;
  std::size_t next_chunk_ = 0;  // size of the first chunk after a reset that gave several up
  std::size_t limit_ = SIZE_MAX;
};

// A file that a component leaves; where it goes is the run's affair.
struct Artefact {
  std::string name, content;
  bool operator==(const Artefact &) const = default;
};

struct LogLine {
  std::uint32_t level;
  std::string text;
};

// Where log lines and progress of a run go; the command line fills these in. Called from any thread.
struct RunSinks {
  std::function<void(const LogLine &)> log;
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
  std::function<void(const std::string &)> notice;  // what the user should see before the work begins
  const std::atomic<bool> *cancelled = nullptr;
};

class CalibrationService;  // service/calibration_service.h; a context without one answers FAILED_PRECONDITION
class TargetService;       // service/target_service.h
class ExecutionService;    // service/execution_service.h
class ParallelService;     // service/execution_service.h
class TrainingService;     // service/training_service.h
class KernelIndex;         // kernel_index.h
class HostLink;            // isolation/host_link.h

}  // namespace halftone::host

// The C name of the same thing.
struct ht_ctx {
  halftone::host::WorkingModel *working = nullptr;   // null where a component may not see a model
  halftone::host::WorkingModel *original = nullptr;  // the float network to compare with; not to be written
  halftone::host::RunSinks sinks;
  halftone::host::CalibrationService *calibration = nullptr;
  halftone::host::TargetService *target = nullptr;
  const halftone::host::KernelIndex *kernels = nullptr;
  halftone::host::ExecutionService *execution = nullptr;
  halftone::host::ParallelService *parallel = nullptr;
  halftone::host::TrainingService *training = nullptr;
  halftone::host::Arena arena;
  std::string component;  // id of the component being called
  std::vector<std::pair<std::string, std::string>> report;
  std::vector<halftone::host::Artefact> artefacts;
  std::optional<halftone::Error> error;  // what fail() and failing services recorded, innermost first
  bool recovered = false;                // the component called another service after `error` was recorded
  // In a worker process: the host's side of this call, which services are asked through; null for a context that no
  // host knows, and in the host itself.
  halftone::host::HostLink *link = nullptr;
  std::uint32_t link_context = 0;  // the number of this context there
  // The thread whose call this is, where [run] functions from other threads are refused. Its type is not the standard
  // library's, whose header is long, and this one is in most files of the kernel.
  std::optional<pthread_t> owner;
  std::atomic<bool> called_by_stranger{false};  // another thread tried one

  // Records a failure. A second one becomes a note of the first, which it tells more about, unless the component went
  // on in between: then the first is over, and the second takes its place.
  ht_status record(ht_status status, std::string text, ht_handle subject = HT_NONE);
  ht_status record(const halftone::Error &failure);
  bool called_by_owner() const { return owner && pthread_equal(*owner, pthread_self()) != 0; }
  // Nothing has failed.
  void forget_error() {
    error.reset();
    recovered = false;
  }
};

namespace halftone::host {
using Context = ::ht_ctx;

// Calls into a component and turns its status into an Error: the recorded one, or one made from the bare status. An
// exception that crosses the boundary all the same becomes Internal and is blamed on the component.
void call_component(Context &ctx, const std::function<ht_status()> &body);

// Runs a service function's body; what it throws is recorded in ctx and becomes the status. For services/*.cpp.
template <typename Body>
ht_status serve(ht_ctx *ctx, Body &&body) noexcept {
  ctx->recovered = ctx->error.has_value();
  try {
    body();
    return HT_OK;
  } catch (const Error &error) {
    return ctx->record(error);
  } catch (const std::bad_alloc &) {
    return ctx->record(HT_RESOURCE_EXHAUSTED, "out of memory");
  } catch (const std::exception &error) {
    return ctx->record(HT_INTERNAL, error.what());
  }
}

// serve() for [run] functions. From a thread that the call does not belong to nothing is done and nothing recorded, as
// the context's own thread may be writing there: call_component() tells it when the call is over.
template <typename Body>
ht_status serve_run(ht_ctx *ctx, Body &&body) noexcept {
  if (ctx->owner && !ctx->called_by_owner()) {
    ctx->called_by_stranger.store(true, std::memory_order_relaxed);
    return HT_FAILED_PRECONDITION;
  }
  return serve(ctx, std::forward<Body>(body));
}

}  // namespace halftone::host
