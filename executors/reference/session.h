// Runs a plan, one sample at a time. Nothing here changes between samples, so that workers share it.
#pragma once

#include "halftone/executor.hpp"
#include "plan.h"

namespace halftone::reference {

class ReferenceSession final : public sdk::Session {
 public:
  explicit ReferenceSession(Plan plan) : plan_(std::move(plan)) {}
  void run(const sdk::Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
           const sdk::Emit &emit) override;

 private:
  Plan plan_;
};

}  // namespace halftone::reference
