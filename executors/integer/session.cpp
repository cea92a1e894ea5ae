#include "session.h"

#include <cstring>

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

ht_status HT_CALL ignore(void *, ht_handle, const ht_tensor_view *) noexcept {
  return HT_OK;
}

std::uint64_t bytes_kept(const Tensor *tensor) {
  return tensor == nullptr ? 0 : tensor->bytes();
}

// Weights, constants and what the executor's own steps keep; those of bodies too.
std::uint64_t kept(const Plan &plan) {
  std::uint64_t bytes = 0;
  for (const auto &[value, tensor] : plan.initializers) bytes += tensor.bytes();
  for (const Step &step : plan.steps) {
    for (const InputSlot &slot : step.inputs) bytes += bytes_kept(slot.constant.get());
    for (const Tensor &table : step.tables) bytes += table.bytes();
    if (step.products) {
      for (const auto &operand : step.products->operands) bytes += operand ? operand->kept() : 0;
      bytes += bytes_kept(step.products->bias.get()) + bytes_kept(step.products->wide_bias.get());
    }
    if (step.fast) bytes += step.fast->kept();
    for (std::size_t i = 0; step.flow && i < step.flow->bodies.size(); ++i) bytes += kept(step.flow->bodies[i]);
  }
  return bytes;
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

ht_session_memory IntegerSession::memory(const sdk::Context &ctx, std::span<const ht_tensor_view> inputs) {
  constexpr std::uint64_t kStep = 4096;  // what the allocator and the bookkeeping of a step take beside its tensors
  Meter meter;
  const sdk::Emit nobody(&ignore, nullptr);
  std::vector<Tensor> zeros;
  std::vector<ht_tensor_view> fed;
  for (const ht_tensor_view &input : inputs) {
    zeros.emplace_back(input.dtype, shape_of(input));
    std::memset(zeros.back().data(), 0, zeros.back().bytes());
  }
  for (const Tensor &zero : zeros) fed.push_back(zero.view());
  try {
    Sample sample(ctx, plan_, fed, nobody, &meter);
    sample.compute_all();
  } catch (const sdk::Failure &failure) {
    if (*failure.what() == '\0') throw;  // recorded already
    throw sdk::Failure(
        HT_FAILED_PRECONDITION,
        std::string("integer mode finds out what memory it needs by a run on zeros, which fails here: ") +
            failure.what() + "; leave `memory_budget` out, or choose the mode simulated");
  }
  ht_session_memory memory{};
  memory.struct_size = sizeof(memory);
  memory.shapes_kept = 1;  // nothing is kept from one sample to the next
  memory.shared = kept(plan_);
  memory.worker = meter.most + meter.most / 8 + kStep * plan_.steps.size();
  return memory;
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
