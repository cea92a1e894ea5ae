// A program compiled for given input shapes: steps over buffers. The plan is shared by all workers; a workspace is one
// worker's memory for it.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "dnnl_api.h"
#include "program.h"

namespace halftone::onednn {

inline constexpr int kNoBuffer = -1;

struct Buffer {
  std::size_t bytes = 0;
  std::size_t offset = 0;                // in the workspace's memory
  int first = -1, last = -1;             // steps that touch it
  std::shared_ptr<const void> constant;  // instead of workspace memory
};

class Workspace;

// One run of one worker.
struct Run {
  const sdk::Context &ctx;
  const sdk::Emit &emit;
  std::span<const ht_tensor_view> inputs;
  Workspace &workspace;
  std::uint32_t worker;
};

// What a step keeps for one worker.
class StepState {
 public:
  virtual ~StepState() = default;
};

// What a step is reported as.
struct StepLabel {
  std::uint32_t kind = HT_STEP_NODE;
  ht_handle node = HT_NONE, value = HT_NONE;
  std::vector<ht_handle> fused;
  std::string how;
};

class Step {
 public:
  explicit Step(std::vector<int> touched) : buffers(std::move(touched)) {}
  virtual ~Step() = default;
  virtual std::unique_ptr<StepState> bind(const Workspace &) const { return nullptr; }
  virtual void run(Run &run, StepState *state) const = 0;
  // Reads an input of the model where the host keeps it, instead of the buffer that it would be copied to; false, with
  // nothing changed, for a step that cannot, or that does more than read it.
  virtual bool read_input(int /*buffer*/, std::size_t /*input*/) { return false; }
  std::vector<int> buffers;  // all that it reads, writes or uses meanwhile
  StepLabel label;
};

struct Plan {
  std::vector<std::unique_ptr<Step>> steps;
  std::vector<Buffer> buffers;
  std::size_t arena_bytes = 0;
  std::size_t value_count = 0;
  std::map<ht_handle, Layout> emitted;  // emitted values whose shapes do not depend on data
};

// Gives every buffer a place such that those alive at the same time do not overlap.
void place_buffers(Plan &plan);

const dnnl::engine &cpu_engine();

class Workspace {
 public:
  explicit Workspace(std::shared_ptr<const Plan> plan);
  void *at(int buffer) const {
    const Buffer &b = plan_->buffers[static_cast<std::size_t>(buffer)];
    return b.constant ? const_cast<void *>(b.constant.get()) : memory_.get() + b.offset;
  }
  void run(const sdk::Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
           const sdk::Emit &emit);
  // The same, and adds the time of each step to `nanoseconds`.
  void run_timed(const sdk::Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
                 const sdk::Emit &emit, std::span<std::uint64_t> nanoseconds);
  const Plan *plan() const { return plan_.get(); }

  dnnl::stream stream;
  std::vector<ht_tensor_view> dynamic;  // by value: those whose shape depends on data

 private:
  std::shared_ptr<const Plan> plan_;
  Bytes memory_;
  std::vector<std::unique_ptr<StepState>> states_;
};

// While it lives, the calling thread creates and runs primitives with one OpenMP thread.
class SingleThread {
 public:
  SingleThread();
  ~SingleThread();
  SingleThread(const SingleThread &) = delete;
  SingleThread &operator=(const SingleThread &) = delete;

 private:
  int before_;
};

}  // namespace halftone::onednn
