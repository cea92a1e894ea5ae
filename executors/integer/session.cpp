#include "session.h"

#include "sample.h"

namespace halftone::integer {

namespace {

std::string_view how(const Step &step, bool has_fast_steps) {
  switch (step.form) {
    case Form::kSums:
      return step.fast || !has_fast_steps ? "integer sums" : "integer sums, plainly";
    case Form::kFloat:
      return "float";
    case Form::kOther:
      return "shape";
    case Form::kBodies:
      return "bodies";
    default:
      return "codes";
  }
}

constexpr const char *kMultiplier = "multiplier";

}  // namespace

void describe_multiplier(sdk::Params &params) {
  params.choice(kMultiplier,
                "how integer mode brings sums to the scale of the output; platforms state it under `integer`",
                "float32", {"float32", "float64", "fixed-point", "gemmlowp"});
}

Multiplier multiplier_of(const sdk::Args &args) {
  return multiplier_named(args.text(kMultiplier));
}

void IntegerSession::run(const sdk::Context &ctx, std::uint32_t worker, std::span<const ht_tensor_view> inputs,
                         const sdk::Emit &emit) {
  Sample sample(ctx, plan_, inputs, emit);
  times_.run(worker, plan_.steps.size(), [&](std::size_t i) { sample.compute(plan_.steps[i]); });
}

ht_session_memory IntegerSession::memory(const sdk::Context &, std::span<const ht_tensor_view>) {
  throw sdk::Failure(HT_FAILED_PRECONDITION,
                     "integer mode cannot say what memory it will need, which a memory budget asks for; leave "
                     "`memory_budget` out, or choose the mode simulated");
}

void IntegerSession::profile(const sdk::Context &, const sdk::EachStep &each) {
  for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
    const Step &planned = plan_.steps[i];
    ht_step step{};
    step.struct_size = sizeof(step);
    step.kind = HT_STEP_NODE;
    step.node = planned.node;
    step.fused = {planned.fused.data(), planned.fused.size()};
    step.how = sdk::view(how(planned, plan_.has_fast_steps));
    times_.add_to(step, i);
    each(step);
  }
}

}  // namespace halftone::integer
