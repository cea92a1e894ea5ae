#include "float_moves.h"

#include <algorithm>
#include <string>

#include "halftone/target.hpp"
#include "weighted_operators.h"

namespace halftone::passes {
namespace {

constexpr const char *kReason = "sent to float by tune-to-accuracy";
constexpr const char *kBefore = "as before tune-to-accuracy tried another type";

}  // namespace

ConfigMove::ConfigMove(const sdk::Context &ctx) : ctx_(ctx), graph_(ctx), configs_(ctx) {}

ConfigMove::Saved ConfigMove::snapshot(ht_handle config) const {
  Saved saved;
  saved.config = config;
  saved.info = configs_.info(config);
  saved.scales.assign(saved.info.scales, saved.info.scales + saved.info.scale_count);
  saved.zero_points.assign(saved.info.zero_points, saved.info.zero_points + saved.info.scale_count);
  return saved;
}

// As it was before the first change.
void ConfigMove::save(ht_handle config) {
  const bool known =
      std::any_of(saved_.begin(), saved_.end(), [&](const Saved &other) { return other.config == config; });
  if (!known) saved_.push_back(snapshot(config));
}

// What took its scale from a config that goes to float quantizes with that scale by itself.
void ConfigMove::detach(ht_handle config, const Saved &from) {
  save(config);
  configs_.release(config);
  if (from.scales.empty()) return;
  ht_quant_spec spec = configs_.info(config).spec;
  if (configs_.info(config).master == HT_NONE) spec = from.info.spec;
  configs_.set_spec(config, spec);
  configs_.set_scales(config, from.scales, from.zero_points, "that of a config that went to float");
}

void ConfigMove::make_float(ht_handle config) {
  if (config == HT_NONE) return;
  const Saved before = snapshot(config);
  if (before.info.state == HT_STATE_FP32) return;
  if (before.info.state == HT_STATE_BAKED || before.info.state == HT_STATE_PASSIVE_BAKED) {
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "a parameter is stored in quantized form already; put tune-to-accuracy in front of "
                       "parameter-baking",
                       before.info.node);
  }
  for (const ht_handle other : configs_.all()) {
    const ht_config_info info = configs_.info(other);
    const bool leans = other != config && (info.root == config || info.master == config);
    const bool input_of_same = info.node == before.info.node && info.direction == HT_SLOT_INPUT;
    if (leans && !input_of_same && info.state != HT_STATE_FP32) detach(other, before);
  }
  drop(config);
}

void ConfigMove::drop(ht_handle config) {
  save(config);
  configs_.set_state(config, HT_STATE_FP32, kReason);
}

// No reader quantizes it: then the operator that makes it need not either.
void ConfigMove::free_value(ht_handle value) {
  const ht_handle producer = graph_.value(value).info.producer;
  if (producer == HT_NONE) return;
  for (const ht_use &use : graph_.consumers(value)) {
    if (configs_.state(configs_.input(use.node, use.slot)) != HT_STATE_FP32) return;
  }
  const std::span<const ht_handle> outputs = graph_.node(producer).outputs();
  const auto slot = static_cast<std::uint32_t>(std::find(outputs.begin(), outputs.end(), value) - outputs.begin());
  const ht_handle config = configs_.output(producer, slot);
  if (configs_.state(config) != HT_STATE_ACTIVATED) return;
  std::vector<ht_handle> inside = covered_before(config);
  for (const ht_handle other : inside) drop(other);
  make_float(config);
  inside.push_back(config);
  for (const ht_handle other : inside) {
    const ht_config_info info = configs_.info(other);
    freed_.push_back({info.node, info.direction, info.slot});
  }
}

// The points that a config of an output covers inside an operator that was fused: those of its own inputs, and of what
// makes them. What it covers behind, as a passive operator's output, quantizes by itself.
std::vector<ht_handle> ConfigMove::covered_before(ht_handle config) const {
  std::vector<ht_handle> found, open = {configs_.info(config).node};
  const auto take = [&](ht_handle other) {
    if (other == HT_NONE || configs_.info(other).root != config) return false;
    found.push_back(other);
    return true;
  };
  while (!open.empty()) {
    const ht_handle handle = open.back();
    open.pop_back();
    const std::span<const ht_handle> inputs = graph_.node(handle).inputs();
    for (std::uint32_t slot = 0; slot < inputs.size(); ++slot) {
      if (inputs[slot] == HT_NONE || !take(configs_.input(handle, slot))) continue;
      const ht_handle producer = graph_.value(inputs[slot]).info.producer;
      if (producer == HT_NONE) continue;
      const std::span<const ht_handle> outputs = graph_.node(producer).outputs();
      const auto made =
          static_cast<std::uint32_t>(std::find(outputs.begin(), outputs.end(), inputs[slot]) - outputs.begin());
      if (take(configs_.output(producer, made))) open.push_back(producer);
    }
  }
  return found;
}

void ConfigMove::to_float(ht_handle handle) {
  const sdk::Node node = graph_.node(handle);
  const std::vector<ht_handle> inputs(node.inputs().begin(), node.inputs().end());
  const std::vector<ht_handle> outputs(node.outputs().begin(), node.outputs().end());
  for (std::uint32_t slot = 0; slot < inputs.size(); ++slot) make_float(configs_.input(handle, slot));
  for (const ht_handle value : inputs) {
    if (value != HT_NONE) free_value(value);
  }
  for (const ht_handle value : outputs) {
    if (value != HT_NONE) free_value(value);
  }
}

bool ConfigMove::widen_weights(ht_handle handle, std::uint32_t bits) {
  const sdk::Target target(ctx_);
  const sdk::Node node = graph_.node(handle);
  std::vector<ht_handle> wider;
  for (std::uint32_t slot = 0; slot < node.inputs().size(); ++slot) {
    const ht_handle config = configs_.input(handle, slot);
    if (config == HT_NONE || target.slot_role(handle, HT_SLOT_INPUT, slot) != HT_SLOT_WEIGHT) continue;
    const ht_config_info info = configs_.info(config);
    if (info.state != HT_STATE_ACTIVATED || info.spec.kind != HT_QUANT_INTEGER || info.spec.bits >= bits) continue;
    save(config);
    configs_.set_spec(config, with_bits(info.spec, bits));
    wider.push_back(config);
  }
  if (wider.empty()) return false;
  std::vector<std::uint32_t> rendered(wider.size());
  sdk::check(ctx_.host.calibration->render_all(ctx_.raw, wider.data(), wider.size(), nullptr, rendered.data()));
  return true;
}

void ConfigMove::restore(const Saved &saved) const {
  const ht_config_info &was = saved.info;
  if (was.state == HT_STATE_OVERLAPPED) {
    configs_.dominate(saved.config, was.root, kBefore);
  } else if (was.state == HT_STATE_FP32) {
    configs_.set_state(saved.config, HT_STATE_FP32, kBefore);
  } else if (was.master != HT_NONE) {
    configs_.set_master(saved.config, was.master, kBefore);
  } else if (was.state == HT_STATE_PASSIVE || was.state == HT_STATE_PASSIVE_INIT) {
    configs_.set_state(saved.config, HT_STATE_PASSIVE_INIT, kBefore);
    if (!saved.scales.empty()) configs_.set_scales(saved.config, saved.scales, saved.zero_points, kBefore);
  } else if (!saved.scales.empty()) {
    configs_.set_scales(saved.config, saved.scales, saved.zero_points, kBefore);
  } else if (was.state == HT_STATE_ACTIVATED) {
    configs_.set_state(saved.config, HT_STATE_ACTIVATED, kBefore);
  }
}

void ConfigMove::undo() {
  for (const Saved &saved : saved_) {
    configs_.set_state(saved.config, HT_STATE_INITIAL, kBefore);
    configs_.set_spec(saved.config, saved.info.spec);
  }
  const auto leans = [](const Saved &saved) {
    return saved.info.state == HT_STATE_OVERLAPPED || saved.info.master != HT_NONE;
  };
  for (const bool second : {false, true}) {  // what others lean on comes first
    for (const Saved &saved : saved_) {
      if (leans(saved) == second) restore(saved);
    }
  }
  saved_.clear();
  freed_.clear();
}

}  // namespace halftone::passes
