#include "plan.h"

#include <omp.h>

#include <algorithm>
#include <chrono>

namespace halftone::onednn {

const dnnl::engine &cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

void place_buffers(Plan &plan) {
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    for (const int id : plan.steps[i]->buffers) {
      Buffer &b = plan.buffers[static_cast<std::size_t>(id)];
      if (b.first < 0) b.first = static_cast<int>(i);
      b.last = static_cast<int>(i);
    }
  }
  std::vector<Buffer *> order;
  for (Buffer &b : plan.buffers) {
    if (!b.constant && b.first >= 0) order.push_back(&b);
  }
  // The largest first, each at the lowest place that is free for as long as it lives.
  std::stable_sort(order.begin(), order.end(), [](const Buffer *a, const Buffer *b) { return a->bytes > b->bytes; });
  std::vector<const Buffer *> placed;  // sorted by offset
  for (Buffer *b : order) {
    const std::size_t size = (b->bytes + kAlignment - 1) / kAlignment * kAlignment;
    std::size_t offset = 0;
    for (const Buffer *other : placed) {
      if (other->last < b->first || b->last < other->first) continue;
      if (offset + size <= other->offset) break;
      offset = std::max(offset, other->offset + (other->bytes + kAlignment - 1) / kAlignment * kAlignment);
    }
    b->offset = offset;
    plan.arena_bytes = std::max(plan.arena_bytes, offset + size);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), b,
                                   [](const Buffer *x, const Buffer *y) { return x->offset < y->offset; }),
                  b);
  }
}

Workspace::Workspace(std::shared_ptr<const Plan> plan)
    : stream(cpu_engine()),
      dynamic(plan->value_count),
      plan_(std::move(plan)),
      memory_(make_bytes(plan_->arena_bytes)) {
  states_.reserve(plan_->steps.size());
  for (const auto &step : plan_->steps) states_.push_back(step->bind(*this));
}

void Workspace::run(const sdk::Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
                    const sdk::Emit &emit) {
  Run run{ctx, emit, inputs, *this, worker};
  for (std::size_t i = 0; i < states_.size(); ++i) plan_->steps[i]->run(run, states_[i].get());
}

void Workspace::run_timed(const sdk::Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
                          const sdk::Emit &emit, std::span<std::uint64_t> nanoseconds) {
  using Clock = std::chrono::steady_clock;
  Run run{ctx, emit, inputs, *this, worker};
  Clock::time_point before = Clock::now();
  for (std::size_t i = 0; i < states_.size(); ++i) {
    plan_->steps[i]->run(run, states_[i].get());
    const Clock::time_point after = Clock::now();
    nanoseconds[i] += static_cast<std::uint64_t>(std::chrono::nanoseconds(after - before).count());
    before = after;
  }
}

SingleThread::SingleThread() : before_(omp_get_max_threads()) {
  omp_set_num_threads(1);
}
SingleThread::~SingleThread() {
  omp_set_num_threads(before_);
}

}  // namespace halftone::onednn
