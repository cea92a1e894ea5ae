// Where gradients flow, and how long values are needed.
#include <algorithm>

#include "builder.h"

namespace halftone::trainer {

// A bias behind which the batch is normalized has no effect but by its quantization.
bool Builder::learns(const Parameter &parameter) const {
  if (parameter.quant && parameter.quant->learned != 0) return true;
  const auto weight = static_cast<std::size_t>(parameter.weight);
  const bool own = parameter.weight >= 0 && program_->weights[weight]->kind == HT_LEARNED_WEIGHT;
  if (parameter.role != FoldRole::kBias) return own;
  const Fold &fold = *program_->folds[static_cast<std::size_t>(parameter.fold)];
  return (own || fold.gamma_learned >= 0) && (!fold.by_batch || parameter.quant);
}

// Gradients flow from losses to what is learned: through a step that lies on a way from one to the other.
void Builder::mark_gradients() {
  Program &p = *program_;
  std::vector<char> depends(p.values.size());  // on something that is learned
  const auto at = [](auto &list, int i) -> auto & {
    return list[static_cast<std::size_t>(i)];
  };
  for (const Parameter &parameter : p.parameters) {
    at(depends, parameter.value) = learns(parameter);
  }
  for (const auto &step : p.steps) {
    const auto comes_in = [&](std::uint64_t mask) {
      for (std::size_t i = 0; i < step->inputs.size(); ++i) {
        if (step->inputs[i] != kNoValue && Step::has_bit(mask, i) && at(depends, step->inputs[i])) return true;
      }
      return false;
    };
    bool any = step->learns_itself();
    if (!any && comes_in(~std::uint64_t{0})) {
      step->look_up_gradient(ctx_);
      any = comes_in(step->differentiates());
    }
    for (const int out : step->outputs) at(depends, out) = any && may_be_float(at(p.values, out).handle);
  }
  std::vector<char> reached(p.values.size());  // from a loss
  for (const int value : p.loss_values) at(reached, value) = 1;
  for (auto it = p.steps.rbegin(); it != p.steps.rend(); ++it) {
    Step &step = **it;
    const bool runs = std::any_of(step.outputs.begin(), step.outputs.end(),
                                  [&](int out) { return at(reached, out) && at(depends, out); });
    step.wants.assign(step.inputs.size(), 0);
    if (!runs) continue;
    step.backward_runs = true;
    const std::uint64_t mask = step.differentiates();
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
      const int in = step.inputs[i];
      if (in == kNoValue || !Step::has_bit(mask, i) || !at(depends, in)) continue;
      step.wants[i] = 1;
      at(reached, in) = 1;
    }
    step.prepare_backward(ctx_);
  }
  for (std::size_t i = 0; i < p.values.size(); ++i) p.values[i].gradient = depends[i] && reached[i];
  for (Parameter &parameter : p.parameters) parameter.gradient = at(p.values, parameter.value).gradient;
}

// Integers have no gradient. A type that is not known may be anything.
bool Builder::may_be_float(ht_handle value) const {
  if (value == HT_NONE) return true;
  const ht_dtype dtype = graph_.value(value).info.type.dtype;
  return dtype == HT_DTYPE_NONE || dtype == HT_F32;
}

void Builder::mark_last_uses() {
  Program &p = *program_;
  std::vector<char> later(p.values.size()), kept(p.values.size());
  for (std::size_t i = 0; i < p.values.size(); ++i) {
    if (!p.values[i].constant.empty() || p.values[i].parameter >= 0) later[i] = 1;
  }
  for (const int value : p.outputs) later[static_cast<std::size_t>(value)] = 1;
  for (const int value : p.loss_values) later[static_cast<std::size_t>(value)] = 1;
  for (const auto &step : p.steps) {
    if (!step->backward_runs) continue;
    const std::uint64_t inputs = step->reads_inputs(), outputs = step->reads_outputs();
    for (std::size_t i = 0; i < step->inputs.size(); ++i) {
      if (step->inputs[i] != kNoValue && Step::has_bit(inputs, i)) kept[static_cast<std::size_t>(step->inputs[i])] = 1;
    }
    for (std::size_t i = 0; i < step->outputs.size(); ++i) {
      if (Step::has_bit(outputs, i)) kept[static_cast<std::size_t>(step->outputs[i])] = 1;
    }
  }
  for (auto it = p.steps.rbegin(); it != p.steps.rend(); ++it) {
    Step &step = **it;
    const auto used = [&](int value) {
      if (value == kNoValue || later[static_cast<std::size_t>(value)] != 0) return;
      later[static_cast<std::size_t>(value)] = 1;
      step.dead_after.push_back(value);
      if (kept[static_cast<std::size_t>(value)] == 0) step.dead_kept.push_back(value);
    };
    for (const int value : step.inputs) used(value);
    for (const int value : step.outputs) used(value);
  }
}

}  // namespace halftone::trainer
