// One sample on its way through a plan: values while they are needed.
#pragma once

#include "halftone/executor.hpp"
#include "meter.h"
#include "plan.h"

namespace halftone::integer {

class Sample {
 public:
  // Throws unless the inputs are as many as the plan wants. `meter`: sees what is held with each step; may be null.
  Sample(const sdk::Context &ctx, const Plan &plan, std::span<const ht_tensor_view> inputs, const sdk::Emit &emit,
         Meter *meter = nullptr);
  void compute(const Step &step);
  void compute_all();
  // What a body gives, as floats.
  sdk::OwnedTensors take_results();

 private:
  // A value as it is held: codes where there is a format.
  struct Held {
    ht_tensor_view view{};
    Tensor own;
    const Format *format = nullptr;
    bool channels_last = false;  // codes only
  };

  bool compute_fast(const Step &step);
  std::uint64_t held_bytes() const;
  // What the plain way through a step takes beside what it reads and gives: copies of both in float64 or less.
  std::uint64_t plain_bytes(const Step &step) const;
  void compute_plainly(const Step &step);
  void compute_products(const Step &step);
  void compute_codes(const Step &step);
  void compute_table(const Step &step);
  void compute_floats(const Step &step);
  // Each run of a body is a sample of its own.
  std::vector<Tensor> run_bodies(const Step &step, std::span<const ht_tensor_view> inputs) const;
  // Sums of products by the plain kernel, in float64, which is exact below 2^53. Throws where one leaves 32 bits.
  Tensor plain_sums(const Step &step, std::span<const ht_tensor_view> codes) const;
  Tensor finished(const Step &step, const Tensor &sums) const;

  // The codes that a slot reads, row-major; `made` holds them where they are not held so already.
  ht_tensor_view codes(const InputSlot &slot, Tensor &made) const;
  // The same in whatever order they lie.
  PlacedView placed_codes(const InputSlot &slot, Tensor &made) const;
  // The floats that a slot reads, by its own quantizer where it has one.
  ht_tensor_view floats(const InputSlot &slot, Tensor &made) const;
  Tensor dequantized(const Held &held) const;
  void put(const OutputSlot &slot, Tensor tensor);  // codes where the slot holds codes
  void emit(std::size_t value);

  const sdk::Context &ctx_;
  const Plan &plan_;
  const sdk::Emit &emit_;
  std::vector<Held> held_;
  Meter *meter_;
  std::uint64_t scratch_ = 0;  // of the fast way through the last step
};

}  // namespace halftone::integer
