// An open session: the program, the plans compiled so far, and each worker's workspaces.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "builder.h"

namespace halftone::onednn {

class Session final : public sdk::Session {
 public:
  Session(Program program, std::uint32_t workers) : program_(std::move(program)), workers_(workers) {}
  void run(const sdk::Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
           const sdk::Emit &emit) override;

 private:
  using Key = std::vector<std::int64_t>;
  struct Compiled {
    Key key;
    std::shared_ptr<const Plan> plan;
  };
  // Most recently used first; a model whose inputs change their shape with every sample must not fill the memory.
  static constexpr std::size_t kPlans = 16, kWorkspaces = 4;

  std::shared_ptr<const Plan> plan_for(const sdk::Context &ctx, std::span<const ht_tensor_view> inputs);
  static Workspace &workspace_for(std::list<Workspace> &own, const std::shared_ptr<const Plan> &plan);

  Program program_;
  WeightStore weights_;
  std::mutex mutex_;  // guards plans_ and weights_
  std::list<Compiled> plans_;
  std::vector<std::list<Workspace>> workers_;  // each touched by its own worker only
};

}  // namespace halftone::onednn
