#include "session.h"

#include <algorithm>
#include <functional>
#include <set>

#include "flow.h"

namespace halftone::onednn {

void Session::run(const sdk::Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
                  const sdk::Emit &emit) {
  if (worker >= workers_.size() || inputs.size() != program_.inputs.size()) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "executor onednn: worker number or number of inputs out of range");
  }
  const SingleThread guard;
  const std::shared_ptr<const Plan> plan = plan_for(ctx, inputs);
  Workspace &workspace = workspace_for(workers_[worker], plan);
  if (times_.empty()) {
    workspace.run(ctx, worker, inputs, emit);
  } else {
    workspace.run_timed(ctx, worker, inputs, emit, times_for(worker, plan));
  }
}

std::span<std::uint64_t> Session::times_for(std::uint32_t worker, const std::shared_ptr<const Plan> &plan) {
  std::list<Times> &own = times_[worker];
  auto found = std::find_if(own.begin(), own.end(), [&](const Times &times) { return times.plan == plan; });
  if (found == own.end()) found = own.insert(own.end(), {plan, 0, std::vector<std::uint64_t>(plan->steps.size())});
  ++found->runs;
  return found->nanoseconds;
}

void Session::profile(const sdk::Context &, const sdk::EachStep &each) {
  std::vector<Times> sums;  // of all workers, one for each plan
  for (const std::list<Times> &own : times_) {
    for (const Times &times : own) {
      auto sum = std::find_if(sums.begin(), sums.end(), [&](const Times &t) { return t.plan == times.plan; });
      if (sum == sums.end()) {
        sums.push_back(times);
        continue;
      }
      sum->runs += times.runs;
      std::transform(times.nanoseconds.begin(), times.nanoseconds.end(), sum->nanoseconds.begin(),
                     sum->nanoseconds.begin(), std::plus<>());
    }
  }
  for (const Times &sum : sums) {
    for (std::size_t i = 0; i < sum.nanoseconds.size(); ++i) {
      const StepLabel &label = sum.plan->steps[i]->label;
      each({sizeof(ht_step),
            label.kind,
            label.node,
            label.value,
            {label.fused.data(), label.fused.size()},
            {label.how.data(), label.how.size()},
            sum.runs,
            sum.nanoseconds[i]});
    }
  }
}

ht_session_memory Session::memory(const sdk::Context &ctx, std::span<const ht_tensor_view> inputs) {
  const SingleThread guard;
  const std::shared_ptr<const Plan> plan = plan_for(ctx, inputs);
  ht_session_memory memory{};
  memory.struct_size = sizeof(memory);
  memory.shapes_kept = kWorkspaces;
  count_memory(*plan, memory);
  return memory;
}

void Session::count_memory(const Plan &plan, ht_session_memory &memory) const {
  constexpr std::uint64_t kStepState = 4096;  // handles of oneDNN's memory objects and their bookkeeping
  std::set<const void *> counted;
  for (const Buffer &buffer : plan.buffers) {
    if (buffer.constant && counted.insert(buffer.constant.get()).second) memory.shared += buffer.bytes;
  }
  memory.worker += plan.arena_bytes + kStepState * plan.steps.size();
  for (const NodeRecord &node : program_.nodes) {
    if (node.flow) node.flow->add_memory(memory);
  }
}

void Session::add_memory(ht_session_memory &memory) {
  const std::lock_guard lock(mutex_);
  for (const Compiled &compiled : plans_) count_memory(*compiled.plan, memory);
}

std::vector<std::optional<ht_tensor_info>> Session::types(const sdk::Context &ctx,
                                                          std::span<const ht_tensor_view> inputs,
                                                          std::span<const ht_handle> values) {
  const std::shared_ptr<const Plan> plan = plan_for(ctx, inputs);
  std::vector<std::optional<ht_tensor_info>> types(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto found = plan->emitted.find(values[i]);
    if (found == plan->emitted.end()) continue;
    types[i].emplace().struct_size = sizeof(ht_tensor_info);
    sdk::set_type(*types[i], found->second.dtype, found->second.shape);
  }
  return types;
}

std::shared_ptr<const Plan> Session::plan_for(const sdk::Context &ctx, std::span<const ht_tensor_view> inputs) {
  Key key;
  for (const ht_tensor_view &input : inputs) {
    key.push_back(input.dtype);
    key.push_back(input.rank);
    key.insert(key.end(), input.shape, input.shape + input.rank);
  }
  const std::lock_guard lock(mutex_);
  for (auto i = plans_.begin(); i != plans_.end(); ++i) {
    if (i->key != key) continue;
    plans_.splice(plans_.begin(), plans_, i);
    return plans_.front().plan;
  }
  plans_.push_front({key, Builder(ctx, program_, weights_).build(inputs)});
  if (plans_.size() > kPlans) plans_.pop_back();
  return plans_.front().plan;
}

// Names the node of the largest tensor.
void Session::refuse_workspace(const Plan &plan) const {
  const Buffer *largest = nullptr;
  for (const Buffer &buffer : plan.buffers) {
    const bool counts = !buffer.constant && buffer.first >= 0;
    if (counts && (largest == nullptr || buffer.bytes > largest->bytes)) largest = &buffer;
  }
  std::string text = "out of memory; the tensors of one sample need " + std::to_string(plan.arena_bytes) + " bytes";
  if (largest != nullptr) {
    const ht_handle handle = plan.steps[static_cast<std::size_t>(largest->first)]->label.node;
    const auto node = std::find_if(program_.nodes.begin(), program_.nodes.end(), [&](const NodeRecord &record) {
      return handle != HT_NONE && record.handle == handle;
    });
    text += ", the largest of them " + std::to_string(largest->bytes);
    if (node != program_.nodes.end()) text = node->label() + ": " + text + ", which this node makes";
  }
  throw sdk::Failure(HT_RESOURCE_EXHAUSTED, std::move(text));
}

Workspace &Session::workspace_for(std::list<Workspace> &own, const std::shared_ptr<const Plan> &plan) const {
  for (auto i = own.begin(); i != own.end(); ++i) {
    if (i->plan() != plan.get()) continue;
    own.splice(own.begin(), own, i);
    return own.front();
  }
  while (own.size() >= kWorkspaces) own.pop_back();
  try {
    return own.emplace_front(plan);
  } catch (const std::bad_alloc &) {
    refuse_workspace(*plan);
  }
}

}  // namespace halftone::onednn
