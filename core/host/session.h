// An open execution session: a model compiled by an executor, run sample by sample from several workers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/host/context.h"
#include "core/host/instance.h"
#include "core/host/sequence.h"
#include "halftone/executor.h"

namespace halftone::host {

enum class Mode : std::uint32_t { kFloat = HT_MODE_FLOAT, kSimulated = HT_MODE_SIMULATED, kInteger = HT_MODE_INTEGER };

struct SessionRequest {
  Mode mode = Mode::kFloat;
  std::uint32_t workers = 1;
  bool quantized_weights = false;    // see ht_session_options
  std::vector<model::Handle> emits;  // values to hand over
  bool timed = false;                // take the time of every step, for profile()
  // Values of the main graph to feed, inner ones too, instead of the graph inputs: then only what the emits need given
  // these is run, and has to be supported.
  std::optional<std::vector<model::Handle>> feeds;
  // Samples are sequences; then run() and memory() take whole ones, and a value is handed over once for each frame. Has
  // no effect beside `feeds`.
  std::optional<Sequence> sequence;
};

// What one step of a session took, over all runs of all workers; see ht_step.
struct StepTime {
  std::uint32_t kind = HT_STEP_NODE;
  model::Handle node = HT_NONE, value = HT_NONE;
  std::vector<model::Handle> fused;
  std::string how;
  std::uint64_t runs = 0, nanoseconds = 0;
};

// Nodes of the main graph that `emits` depend on when `feeds` are given, in topological order.
std::vector<model::Handle> needed_nodes(const model::Model &m, std::span<const model::Handle> feeds,
                                        std::span<const model::Handle> emits);

// Called when a sample has run, with what was fed to it; in a session with sequences after each frame, whose states are
// among its inputs. `ctx` is the frame's.
using FrameFunction = std::function<void(Context &ctx, std::span<const ht_tensor_view> inputs)>;

class Session {
 public:
  // Asks the executor about every node first, so that a missing operator is an error before any data is read. `ctx`
  // must have the working model; it is used during the call only.
  Session(const Instance &executor, Context &ctx, const SessionRequest &request);
  ~Session();
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;

  // The values to feed, in the order that run() takes them: the model inputs unless the request says otherwise.
  const std::vector<model::Handle> &inputs() const noexcept { return inputs_; }
  std::uint64_t revision() const noexcept { return revision_; }
  // Throws Stale when `current` is not the revision that was opened.
  void require_fresh(const model::Model &current) const;

  // What running inputs of these shapes takes; the views need no data. Prepares what workers share for these shapes.
  // Throws Unimplemented when the executor cannot say.
  ht_session_memory memory(Context &ctx, std::span<const ht_tensor_view> inputs) const;

  // One sample on the calling thread; an input of another floating-point type than the model's is converted. `ctx`
  // belongs to the worker. What emit throws ends the run and is thrown again.
  void run(Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs, const EmitFunction &emit,
           const FrameFunction &after = {}) const;
  // One frame, with states of the caller's among the inputs; where samples are no sequences, a sample.
  void run_frame(Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
                 const EmitFunction &emit) const;

  // The steps of a session that was opened `timed`, while none runs. Throws Unimplemented for an executor that has no
  // times to give.
  std::vector<StepTime> profile(Context &ctx) const;

 private:
  [[noreturn]] void refuse_budget() const;
  void run_once(Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
                const EmitFunction &emit) const;
  std::vector<ht_tensor_view> in_own_types(Context &ctx, std::span<const ht_tensor_view> inputs) const;
  const ht_executor &executor_;
  std::string executor_id_;
  std::vector<model::Handle> inputs_;
  std::optional<SequencePlan> sequence_;
  std::vector<ht_dtype> input_types_;  // as the model declares them
  std::uint64_t revision_ = 0;
  void *raw_ = nullptr;
};

}  // namespace halftone::host
