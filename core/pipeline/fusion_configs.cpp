#include "core/pipeline/fusion_configs.h"

#include <algorithm>

#include <fmt/core.h>

#include "core/pipeline/fixed_scale.h"

namespace halftone::pipeline {
namespace {

// Why the place cannot run as the fused operator, or empty.
std::string type_conflict(const host::WorkingModel &working, const FusionSpec &fusion, const FusionPlace &place) {
  for (const auto &[name, demand] : fusion.dtypes) {
    for (const Handle config : point_configs(working, fusion, place, name)) {
      const quant::Config &at = working.configs.get(config);
      if (at.state == quant::State::kFp32) continue;
      const std::string why = mismatch(demand, at.spec);
      if (!why.empty()) return fmt::format("{} (the {}) {}", name, quant::describe(at.key, working.model), why);
    }
  }
  return {};
}

// Why a fixed scale cannot be that of the type which rules and overrides gave to its value, or empty.
std::string scale_conflict(const host::WorkingModel &working, const FusionSpec &fusion, const FusionPlace &place) {
  for (const auto &[name, point] : fusion.points) {
    if (!point.fixed) continue;
    for (const Handle config : point_configs(working, fusion, place, name)) {
      const quant::Config &at = working.configs.get(config);
      if (at.state == quant::State::kFp32) continue;
      const std::string why = fixed_scale_fault(*point.fixed, {}, at.spec);
      if (!why.empty())
        return fmt::format("{} (the {}): a fixed scale {}", name, quant::describe(at.key, working.model), why);
    }
  }
  return {};
}

// What a fixed scale was meant for and stays in float all the same, while the rest of the place is quantized.
std::vector<std::string> scales_without_use(const host::WorkingModel &working, const FusionSpec &fusion,
                                            const FusionPlace &place) {
  std::vector<std::string> warnings;
  for (const auto &[name, point] : fusion.points) {
    if (!point.fixed) continue;
    for (const Handle config : point_configs(working, fusion, place, name)) {
      const quant::Config &at = working.configs.get(config);
      if (at.state != quant::State::kFp32) continue;
      warnings.push_back(fmt::format("the fusion '{}' fixes the scale of {} (the {}), which stays in float: {}",
                                     fusion.name, name, quant::describe(at.key, working.model), at.reason));
    }
  }
  return warnings;
}

void leave_in_float(host::WorkingModel &working, const FusionPlace &place, const std::string &reason) {
  for (const Handle node : place.alive(working.model)) {
    working.float_reasons[node] = reason;
    const model::Node &at = working.model.node(node);
    for (const bool is_output : {false, true}) {
      const std::size_t count = is_output ? at.outputs.size() : at.inputs.size();
      for (std::uint32_t slot = 0; slot < count; ++slot) {
        const Handle config = working.configs.find({node, is_output, slot});
        if (config != HT_NONE) working.configs.set_state(config, quant::State::kFp32, reason);
      }
    }
  }
}

// The first name that the pattern reads and that data runs through.
Handle first_data(const host::WorkingModel &working, const FusionSpec &fusion, const FusionPlace &place) {
  for (const std::string &name : fusion.pattern.names) {
    const Handle value = name == fusion.output() ? HT_NONE : place.value(working.model, name);
    if (value == HT_NONE || working.model.value(value).initializer) continue;
    for (const Handle config : point_configs(working, fusion, place, name)) {
      if (working.configs.get(config).state != quant::State::kFp32) return config;
    }
  }
  return HT_NONE;
}

bool same_grid(const ht_quant_spec &a, const ht_quant_spec &b) {
  return a.kind == b.kind && a.quant_min == b.quant_min && a.quant_max == b.quant_max && a.symmetry == b.symmetry &&
         a.granularity == b.granularity && a.scale_form == b.scale_form && a.dynamic == b.dynamic;
}

// Empty when it was done.
std::string share_with_input(host::WorkingModel &working, const FusionSpec &fusion, const FusionPlace &place) {
  const Handle input = first_data(working, fusion, place);
  if (input == HT_NONE) return "no input of it is quantized";
  for (const Handle output : point_configs(working, fusion, place, fusion.output())) {
    if (working.configs.get(output).state == quant::State::kFp32) continue;
    if (!same_grid(working.configs.get(output).spec, working.configs.get(input).spec))
      return "its output has another type than its input";
    if (working.configs.source(output) == working.configs.source(input)) continue;
    working.configs.set_master(output, input);
    working.configs.set_reason(output,
                               fmt::format("the fusion '{}' gives its output the scale of its input", fusion.name));
  }
  return {};
}

void fix_scales(const host::WorkingModel &working, const FusionSpec &fusion, const FusionPlace &place,
                ChosenObservers &chosen) {
  for (const auto &[name, point] : fusion.points) {
    if (!point.fixed) continue;
    for (const Handle config : point_configs(working, fusion, place, name)) {
      if (chosen.find(config) != nullptr) continue;
      chosen.choose(
          config, "constant",
          {{"scale", fmt::format("{}", point.fixed->scale)}, {"zero_point", std::to_string(point.fixed->zero_point)}},
          point.where);
    }
  }
}

// Configs are made for what is quantized: a node whose points are all in float was put there later, by the user or by
// a pass that looks for the best precision.
bool is_put_in_float(const host::WorkingModel &working, const FusionSpec &fusion, const FusionPlace &place,
                     Handle node) {
  std::size_t points = 0, live = 0;
  std::vector<std::string> names{fusion.output()};
  for (const auto &[name, slots] : place.inputs) names.push_back(name);
  for (const std::string &name : names) {
    for (const Handle config : point_configs(working, fusion, place, name)) {
      if (working.configs.get(config).key.node != node) continue;
      ++points;
      live += working.configs.get(config).state == quant::State::kFp32 ? 0 : 1;
    }
  }
  return points > 0 && live == 0;
}

}  // namespace

std::string float_conflict(const host::WorkingModel &working, const FusionSpec &fusion, const FusionPlace &place) {
  if (fusion.observation == OutputScale::kNone) return {};
  for (const Handle node : place.alive(working.model)) {
    const model::Node &at = working.model.node(node);
    const auto reason = working.float_reasons.find(node);
    if (reason != working.float_reasons.end())
      return fmt::format("{} '{}' is in float: {}", at.op_type, at.name, reason->second);
    if (is_put_in_float(working, fusion, place, node))
      return fmt::format("{} '{}' was put in float", at.op_type, at.name);
  }
  return type_conflict(working, fusion, place);
}

std::vector<std::string> settle_fusions(Fusions &fusions, host::WorkingModel &working, ChosenObservers &chosen) {
  std::vector<std::string> warnings;
  for (const FusionPlace &place : std::vector<FusionPlace>(fusions.all(working.model))) {
    const FusionSpec &fusion = fusions.spec(place);
    std::string conflict = type_conflict(working, fusion, place);
    if (conflict.empty()) conflict = scale_conflict(working, fusion, place);
    if (conflict.empty() && fusion.observation == OutputScale::kOfInput)
      conflict = share_with_input(working, fusion, place);
    if (conflict.empty()) {
      fix_scales(working, fusion, place, chosen);
      if (float_conflict(working, fusion, place).empty()) {
        for (std::string &warning : scales_without_use(working, fusion, place)) warnings.push_back(std::move(warning));
      }
      continue;
    }
    const std::string reason = fmt::format("the fusion '{}' does not apply: {}", fusion.name, conflict);
    leave_in_float(working, place, reason);
    const model::Node &root = working.model.node(place.root(working.model));
    warnings.push_back(fmt::format("{} '{}' stays in float: {}", root.op_type, root.name, reason));
  }
  return warnings;
}

}  // namespace halftone::pipeline
