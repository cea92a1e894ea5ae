// Runs a plan, one sample at a time; workers share everything but their times.
#pragma once

#include "halftone/executor.hpp"
#include "halftone/step_times.hpp"
#include "plan.h"

namespace halftone::integer {

// The parameter by which an executor is told the platform's multiplier.
void describe_multiplier(sdk::Params &params);
Multiplier multiplier_of(const sdk::Args &args);

class IntegerSession final : public sdk::Session {
 public:
  IntegerSession(Plan plan, const ht_session_options &options) : plan_(std::move(plan)), times_(options) {}
  void run(const sdk::Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
           const sdk::Emit &emit) override;
  // Tells by `how` what each node was computed on: "integer sums", "codes" or "float"; of sums that have no fast way in
  // an executor that has such ways, "integer sums, plainly".
  void profile(const sdk::Context &ctx, const sdk::EachStep &each) override;
  // Runs zeros of these shapes, and looks at what is held with each step; views need no data.
  ht_session_memory memory(const sdk::Context &ctx, std::span<const ht_tensor_view> inputs) override;

 private:
  Plan plan_;
  sdk::StepTimes times_;
};

}  // namespace halftone::integer
