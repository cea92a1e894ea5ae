// Runs a plan, one sample at a time. Nothing but a worker's own times changes between samples, so that workers share
// it.
#pragma once

#include "halftone/executor.hpp"
#include "halftone/step_times.hpp"
#include "plan.h"

namespace halftone::reference {

class ReferenceSession final : public sdk::Session {
 public:
  ReferenceSession(Plan plan, const ht_session_options &options) : plan_(std::move(plan)), times_(options) {}
  void run(const sdk::Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
           const sdk::Emit &emit) override;
  void profile(const sdk::Context &ctx, const sdk::EachStep &each) override;

 private:
  Plan plan_;
  sdk::StepTimes times_;
};

}  // namespace halftone::reference
