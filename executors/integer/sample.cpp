#include "sample.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "codes.h"
#include "tables.h"

namespace halftone::integer {

Sample::Sample(const sdk::Context &ctx, const Plan &plan, std::span<const ht_tensor_view> inputs, const sdk::Emit &emit,
               Meter *meter)
    : ctx_(ctx), plan_(plan), emit_(emit), held_(plan.emitted.size()), meter_(meter) {
  if (inputs.size() != plan.inputs.size()) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, std::to_string(inputs.size()) + " inputs given where " +
                                                std::to_string(plan.inputs.size()) + " are needed");
  }
  for (const auto &[value, tensor] : plan.initializers) {
    held_[value].view = tensor.view();
    this->emit(value);
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    held_[plan.inputs[i]].view = inputs[i];
    this->emit(plan.inputs[i]);
  }
}

void Sample::compute(const Step &step) {
  const bool fast = step.fast && compute_fast(step);
  if (!fast) compute_plainly(step);
  if (meter_ != nullptr) meter_->see(held_bytes() + (fast ? scratch_ : plain_bytes(step)));
  for (const std::size_t value : step.dead_after) held_[value] = Held();
}

void Sample::compute_all() {
  for (const Step &step : plan_.steps) compute(step);
}

sdk::OwnedTensors Sample::take_results() {
  sdk::OwnedTensors results;
  for (const std::size_t value : plan_.results) {
    const Held &held = held_[value];
    results.push_back(held.format != nullptr ? dequantized(held) : Tensor(held.view));
  }
  return results;
}

std::vector<Tensor> Sample::run_bodies(const Step &step, std::span<const ht_tensor_view> inputs) const {
  return step.flow->control.run(inputs, [&](std::size_t body, std::span<const ht_tensor_view> fed) {
    std::vector<ht_tensor_view> all(fed.begin(), fed.end());
    const std::vector<std::size_t> &captured = step.flow->captured[body];
    std::vector<Tensor> floats(captured.size());
    for (std::size_t i = 0; i < captured.size(); ++i) {
      const Held &held = held_[captured[i]];
      if (held.format != nullptr) floats[i] = dequantized(held);
      all.push_back(held.format != nullptr ? floats[i].view() : held.view);
    }
    std::uint64_t around = held_bytes();
    for (const ht_tensor_view &view : all) around += bytes_of(view.dtype, count_of(view));
    if (meter_ != nullptr) meter_->around += around;
    Sample sample(ctx_, step.flow->bodies[body], all, emit_, meter_);
    sample.compute_all();
    if (meter_ != nullptr) meter_->around -= around;
    return sample.take_results();
  });
}

void Sample::compute_plainly(const Step &step) {
  switch (step.form) {
    case Form::kSums:
      compute_products(step);
      break;
    case Form::kMoved:
    case Form::kMean:
    case Form::kAdded:
      compute_codes(step);
      break;
    case Form::kTable:
      compute_table(step);
      break;
    default:
      compute_floats(step);
  }
}

bool Sample::compute_fast(const Step &step) {
  std::vector<Tensor> made(step.inputs.size());
  std::vector<PlacedView> codes(step.inputs.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    codes[i].view = no_tensor();
    if (step.inputs[i].codes) codes[i] = placed_codes(step.inputs[i], made[i]);
  }
  auto result = step.fast->run(codes);
  if (!result) return false;
  if (meter_ != nullptr) {
    scratch_ = step.fast->scratch(codes);
    // What is not held as the codes that a slot reads goes through floats.
    for (const Tensor &own : made) scratch_ += own.empty() ? 0 : 5 * own.bytes();
  }
  if (step.outputs[0].value != kNoValue) held_[step.outputs[0].value].channels_last = result->channels_last;
  put(step.outputs[0], std::move(result->tensor));
  return true;
}

std::uint64_t Sample::held_bytes() const {
  std::uint64_t bytes = 0;
  for (const Held &held : held_) bytes += held.own.empty() ? 0 : held.own.bytes();
  return bytes;
}

std::uint64_t Sample::plain_bytes(const Step &step) const {
  constexpr std::uint64_t kCopies = 24;  // bytes an element: as codes in another order, as float, twice as float64
  std::uint64_t elements = 0;
  const auto add = [&](std::size_t value) {
    if (value != kNoValue) elements += static_cast<std::uint64_t>(count_of(held_[value].view));
  };
  for (const InputSlot &slot : step.inputs) add(slot.value);
  for (const OutputSlot &slot : step.outputs) add(slot.value);
  return kCopies * elements;
}

void Sample::emit(std::size_t value) {
  if (plan_.emitted[value] == HT_NONE) return;
  if (held_[value].format == nullptr) return emit_(plan_.emitted[value], held_[value].view);
  const Tensor floats = dequantized(held_[value]);
  emit_(plan_.emitted[value], floats.view());
}

void Sample::put(const OutputSlot &slot, Tensor tensor) {
  if (slot.value == kNoValue) return;
  Held &held = held_[slot.value];
  held.own = std::move(tensor);
  held.view = held.own.view();
  held.format = slot.codes ? &*slot.codes : nullptr;
  emit(slot.value);
}

Tensor Sample::dequantized(const Held &held) const {
  Tensor out(HT_F32, shape_of(held.view)), rows;
  ht_tensor_view from = held.view, to = out.view();
  if (held.channels_last) {
    rows = row_major(held.view);
    from = rows.view();
  }
  const ht_quantizer q = held.format->quantizer();
  sdk::check(ctx_.host.arithmetic->dequantize(ctx_.raw, &q, &from, &to));
  return out;
}

ht_tensor_view Sample::codes(const InputSlot &slot, Tensor &made) const {
  const PlacedView placed = placed_codes(slot, made);
  if (!placed.channels_last) return placed.view;
  made = row_major(placed.view);
  return made.view();
}

PlacedView Sample::placed_codes(const InputSlot &slot, Tensor &made) const {
  const Held &held = held_[slot.value];
  if (held.format != nullptr && held.format->same_grid(*slot.codes)) return {held.view, held.channels_last};
  Tensor floats;
  ht_tensor_view from = held.view;
  if (held.format != nullptr) {
    floats = dequantized(held);
    from = floats.view();
  }
  made = quantized(ctx_, from, *slot.codes);
  return {made.view(), false};
}

ht_tensor_view Sample::floats(const InputSlot &slot, Tensor &made) const {
  if (slot.constant) return slot.constant->view();
  if (slot.value == kNoValue) return no_tensor();
  const Held &held = held_[slot.value];
  ht_tensor_view view = held.view;
  if (held.format != nullptr) {
    made = dequantized(held);
    view = made.view();
  }
  if (!slot.quantizer || view.dtype != HT_F32 || count_of(view) == 0) return view;
  if (made.empty()) made = Tensor(HT_F32, shape_of(view));
  ht_tensor_view to = made.view();
  const ht_quantizer q = slot.quantizer->view();
  sdk::check(ctx_.host.arithmetic->fake_quantize(ctx_.raw, &q, &view, &to));
  return to;
}

void Sample::compute_floats(const Step &step) {
  std::vector<Tensor> made(step.inputs.size());
  std::vector<ht_tensor_view> inputs;
  for (std::size_t i = 0; i < made.size(); ++i) inputs.push_back(floats(step.inputs[i], made[i]));
  std::vector<Tensor> results =
      step.flow ? run_bodies(step, inputs) : step.kernel->run(ctx_.raw, inputs, step.outputs.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    const OutputSlot &slot = step.outputs[i];
    const bool floats = results[i].dtype() == HT_F32 && results[i].count() != 0;
    if (slot.codes) {
      Tensor codes = quantized(ctx_, results[i].view(), *slot.codes);
      if (step.limits) limit_codes(codes, *step.limits);
      put(slot, std::move(codes));
      continue;
    }
    if (slot.quantizer && floats) {
      const ht_quantizer q = slot.quantizer->view();
      ht_tensor_view view = results[i].view();
      sdk::check(ctx_.host.arithmetic->fake_quantize(ctx_.raw, &q, &view, &view));
    }
    put(slot, std::move(results[i]));
  }
}

// The kernel sees code - zero as floats, which are exact: its 0 is 0, and an order of values is one of codes.
void Sample::compute_codes(const Step &step) {
  const ht_dtype wide = step.form == Form::kMoved ? HT_F32 : HT_F64;
  std::vector<Tensor> made(step.inputs.size());
  std::vector<ht_tensor_view> inputs;
  for (std::size_t i = 0; i < made.size(); ++i) {
    const InputSlot &slot = step.inputs[i];
    if (!slot.codes) {
      inputs.push_back(floats(slot, made[i]));
      continue;
    }
    Tensor own;
    if (step.carried) {
      inputs.push_back(codes(slot, made[i]));
      if (step.tables.empty()) continue;
      own = looked_up(inputs.back(), *slot.codes, step.tables[i]);
      made[i] = std::move(own);
      inputs.back() = made[i].view();
      continue;
    }
    made[i] = centred(codes(slot, own), *slot.codes, wide);
    if (step.form == Form::kAdded) rescale(made[i], step.rescale_inputs[i].first, step.rescale_inputs[i].second);
    inputs.push_back(made[i].view());
  }
  if (step.fill) {
    inputs.resize(std::max<std::size_t>(inputs.size(), 3), no_tensor());
    inputs[2] = step.fill->view();
  }
  std::vector<Tensor> results = step.kernel->run(ctx_.raw, inputs, step.outputs.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    const OutputSlot &slot = step.outputs[i];
    if (!slot.codes || step.carried) {
      put(slot, std::move(results[i]));
    } else if (step.form == Form::kMoved) {
      put(slot, moved_codes(results[i], *slot.codes));
    } else {
      put(slot, requantized_each(results[i], *step.rescale, step.form == Form::kMean, slot.codes->dtype));
    }
  }
}

// In whatever order the codes lie.
void Sample::compute_table(const Step &step) {
  Tensor made;
  const PlacedView in = placed_codes(step.inputs[0], made);
  const OutputSlot &slot = step.outputs[0];
  if (slot.value != kNoValue) held_[slot.value].channels_last = in.channels_last;
  put(slot, looked_up(in.view, *step.inputs[0].codes, step.tables[0]));
}

void Sample::compute_products(const Step &step) {
  std::vector<Tensor> made(2);
  std::vector<ht_tensor_view> operands(2, no_tensor());
  for (const std::size_t i : {0U, 1U}) {
    if (!step.products->operands[i]) operands[i] = codes(step.inputs[i], made[i]);
  }
  put(step.outputs[0], finished(step, plain_sums(step, operands)));
}

Tensor Sample::plain_sums(const Step &step, std::span<const ht_tensor_view> codes) const {
  const Products &p = *step.products;
  std::vector<Tensor> made(2);
  std::vector<ht_tensor_view> inputs;
  for (const std::size_t i : {0U, 1U}) {
    if (!p.operands[i]) made[i] = centred(codes[i], *step.inputs[i].codes, HT_F64);
    inputs.push_back(p.operands[i] ? p.operands[i]->wide().view() : made[i].view());
  }
  if (step.inputs.size() > 2) inputs.push_back(p.wide_bias ? p.wide_bias->view() : no_tensor());
  Tensor sums = std::move(step.kernel->run(ctx_.raw, inputs, 1)[0]);
  const double *sum = sums.data<double>();
  for (std::int64_t i = 0, n = sums.count(); i < n; ++i) {
    if (std::fabs(sum[i]) <= std::numeric_limits<std::int32_t>::max()) continue;
    throw sdk::Failure(HT_FAILED_PRECONDITION, p.label + ": a sum of " + std::to_string(std::llround(sum[i])) +
                                                   " does not fit the 32 bits that a device adds up in; use fewer bits "
                                                   "for its weight or its input, or leave it in float");
  }
  return sums;
}

Tensor Sample::finished(const Step &step, const Tensor &sums) const {
  const Products &p = *step.products;
  const Shape &shape = sums.shape();
  const std::size_t axis = p.channel_axis != 0 || shape.empty() ? p.channel_axis : shape.size() - 1;
  const std::int64_t inner = shape.empty() ? 1 : count_of(std::span(shape).subspan(axis + 1));
  const double *sum = sums.data<double>();
  const auto channel = [&](std::int64_t i) { return static_cast<std::size_t>(i / inner) % p.channels; };
  const OutputSlot &slot = step.outputs[0];
  if (p.to_codes) {
    Tensor out(slot.codes->dtype, shape);
    store_codes(out, [&](std::int64_t i) { return (*p.to_codes)(static_cast<std::int64_t>(sum[i]), channel(i)); });
    return out;
  }
  Tensor out(HT_F32, shape);
  for (std::int64_t i = 0, n = out.count(); i < n; ++i) {
    const std::size_t c = channel(i);
    const double value = sum[i] * p.units[p.units.size() == 1 ? 0 : c];
    out.data<float>()[i] = static_cast<float>(p.float_bias.empty() ? value : value + p.float_bias[c]);
  }
  if (slot.quantizer && out.count() != 0) {
    const ht_quantizer q = slot.quantizer->view();
    ht_tensor_view view = out.view();
    sdk::check(ctx_.host.arithmetic->fake_quantize(ctx_.raw, &q, &view, &view));
  }
  return out;
}

}  // namespace halftone::integer
