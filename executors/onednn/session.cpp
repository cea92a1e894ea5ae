#include "session.h"

namespace halftone::onednn {

void Session::run(const sdk::Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
                  const sdk::Emit &emit) {
  if (worker >= workers_.size() || inputs.size() != program_.inputs.size()) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "executor onednn: worker number or number of inputs out of range");
  }
  const SingleThread guard;
  const std::shared_ptr<const Plan> plan = plan_for(ctx, inputs);
  workspace_for(workers_[worker], plan).run(ctx, inputs, emit);
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

Workspace &Session::workspace_for(std::list<Workspace> &own, const std::shared_ptr<const Plan> &plan) {
  for (auto i = own.begin(); i != own.end(); ++i) {
    if (i->plan() != plan.get()) continue;
    own.splice(own.begin(), own, i);
    return own.front();
  }
  while (own.size() >= kWorkspaces) own.pop_back();
  return own.emplace_front(plan);
}

}  // namespace halftone::onednn
