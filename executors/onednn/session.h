// An open session: the program, the plans compiled so far, and each worker's workspaces.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "builder.h"

namespace halftone::onednn {

class Session final : public sdk::Session {
 public:
  Session(Program program, std::uint32_t workers, bool timed)
      : program_(std::move(program)), workers_(workers), times_(timed ? workers : 0) {}
  void run(const sdk::Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
           const sdk::Emit &emit) override;
  void profile(const sdk::Context &ctx, const sdk::EachStep &each) override;
  ht_session_memory memory(const sdk::Context &ctx, std::span<const ht_tensor_view> inputs) override;

  // Of a body: types of emitted values for inputs of these shapes, as far as they do not depend on data.
  std::vector<std::optional<ht_tensor_info>> types(const sdk::Context &ctx, std::span<const ht_tensor_view> inputs,
                                                   std::span<const ht_handle> values);
  // What the plans compiled so far take, those of inner bodies included.
  void add_memory(ht_session_memory &memory);

 private:
  using Key = std::vector<std::int64_t>;
  struct Compiled {
    Key key;
    std::shared_ptr<const Plan> plan;
  };
  // What the steps of a plan took on one worker; keeps the plan until it is reported.
  struct Times {
    std::shared_ptr<const Plan> plan;
    std::uint64_t runs = 0;
    std::vector<std::uint64_t> nanoseconds;
  };
  // Most recently used first; a model whose inputs change their shape with every sample must not fill the memory.
  static constexpr std::size_t kPlans = 16, kWorkspaces = 4;

  void count_memory(const Plan &plan, ht_session_memory &memory) const;
  std::shared_ptr<const Plan> plan_for(const sdk::Context &ctx, std::span<const ht_tensor_view> inputs);
  std::span<std::uint64_t> times_for(std::uint32_t worker, const std::shared_ptr<const Plan> &plan);
  Workspace &workspace_for(std::list<Workspace> &own, const std::shared_ptr<const Plan> &plan) const;
  [[noreturn]] void refuse_workspace(const Plan &plan) const;

  Program program_;
  WeightStore weights_;
  std::mutex mutex_;  // guards plans_ and weights_
  std::list<Compiled> plans_;
  std::vector<std::list<Workspace>> workers_;  // each touched by its own worker only
  std::vector<std::list<Times>> times_;        // likewise; none where no time is taken
};

}  // namespace halftone::onednn
