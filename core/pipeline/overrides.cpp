#include "core/pipeline/overrides.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/core.h>

#include "core/base/error.h"
#include "core/model/every_node.h"
#include "core/pipeline/named.h"
#include "core/pipeline/node_match.h"
#include "core/pipeline/override_parts.h"
#include "core/pipeline/pipeline_shape.h"

namespace halftone::pipeline {

namespace {

// An observer is asked for where a config finds its own range.
bool finds_range(const quant::Config &config) {
  return config.state == quant::State::kInitial || config.state == quant::State::kActivated;
}

// The type with a rule's bits, or why the config cannot have it.
void set_spec(host::WorkingModel &working, model::Handle handle, const ht_quant_spec &spec, const Setting &setting) {
  try {
    working.configs.set_spec(handle, spec);
  } catch (const Error &error) {
    const quant::SlotKey &key = working.configs.get(handle).key;
    const model::Node &node = working.model.node(key.node);
    fail(Status::kInvalidArgument, "{}: the {} {} of '{}' ({}) cannot be so: {}", setting.where.text(),
         key.is_output ? "output" : "input", key.slot, node.name, node.op_type, error.message());
  }
}

// Rules as they meet the configs.
struct Application {
  host::WorkingModel &working;
  ChosenObservers &chosen;
  const OverrideRun &run;
  SlotKinds kinds;
};

// Whether the config finds its range in another way now.
bool change_observer(const Application &to_all, model::Handle handle, const SlotChanges &to) {
  quant::ConfigTable &configs = to_all.working.configs;
  std::map<std::string, std::string> parameters;
  if (to.observer_parameters != nullptr) {
    for (const auto &[key, value] : to.observer_parameters->map()) parameters[key] = value.text;
  }
  const std::string &observer = to.observer->text;
  const quant::Config &before = configs.get(handle);
  if (!finds_range(before)) return false;
  const bool changed =
      to_all.run.passes_name_observers || before.observer != observer || before.observer_parameters != parameters;
  to_all.chosen.choose(handle, observer, parameters, to.last->where);
  configs.set_observer(handle, observer, std::move(parameters));
  return changed;
}

// What a rule may change in a config; whether it does.
bool change(const Application &to_all, model::Handle handle, const SlotChanges &to) {
  host::WorkingModel &working = to_all.working;
  quant::ConfigTable &configs = working.configs;
  bool changed = to.observer != nullptr && change_observer(to_all, handle, to);
  ht_quant_spec spec = configs.get(handle).spec;
  const auto bits = to.bits == nullptr ? spec.bits : static_cast<std::uint32_t>(std::get<std::int64_t>(to.bits->value));
  const std::uint32_t symmetry = to.symmetry == nullptr ? spec.symmetry : code_of(*to.symmetry, kOverrideSymmetries);
  if (bits != spec.bits || symmetry != spec.symmetry) {
    spec.bits = bits;
    spec.symmetry = symmetry;
    spec.quant_min = spec.is_signed != 0 ? -(std::int64_t{1} << (bits - 1)) : 0;
    spec.quant_max = spec.is_signed != 0 ? (std::int64_t{1} << (bits - 1)) - 1 : (std::int64_t{1} << bits) - 1;
    set_spec(working, handle, spec, *to.last);
    changed = true;
  }
  if (to.state != nullptr) {
    changed = changed || configs.get(handle).state != quant::State::kFp32;
    configs.set_state(handle, quant::State::kFp32, "override at " + to.last->where.text());
  }
  return changed;
}

// Configs that a rule sets, and those that are another way afterwards.
struct Effect {
  std::size_t set = 0, changed = 0;
};

void apply_to_node(const std::vector<OverridePart> &parts, const Application &to_all, model::Handle handle,
                   Effect &effect) {
  const host::WorkingModel &working = to_all.working;
  const std::size_t input_count = working.model.node(handle).inputs.size();
  const std::size_t output_count = working.model.node(handle).outputs.size();
  for (const bool outputs : {false, true}) {
    for (std::size_t slot = 0; slot < (outputs ? output_count : input_count); ++slot) {
      const quant::SlotKey key{handle, outputs, static_cast<std::uint32_t>(slot)};
      const model::Handle config = working.configs.find(key);
      if (config == HT_NONE) continue;
      const SlotChanges changes = changes_for(parts, to_all.kinds, key);
      if (changes.last == nullptr) continue;
      ++effect.set;
      if (change(to_all, config, changes)) ++effect.changed;
    }
  }
}

// A number that no node has a slot for is a mistake, whatever else the rule does.
void require_slots(const std::vector<OverridePart> &parts, const host::WorkingModel &working,
                   const std::vector<model::Handle> &matched) {
  for (const OverridePart &part : parts) {
    if (part.slot() < 0) continue;
    std::size_t most = 0;
    for (const model::Handle node : matched) {
      const model::Node &n = working.model.node(node);
      most = std::max(most, part.is_output() ? n.outputs.size() : n.inputs.size());
    }
    if (static_cast<std::size_t>(part.slot()) < most) continue;
    const model::Node &first = working.model.node(matched.front());
    const char *what = part.is_output() ? "output" : "input";
    fail(Status::kInvalidArgument, "{}: {} no {}; {}the {}s of '{}' ({}) are numbered from 0 to {}",
         part.changes->key_where.text(),
         matched.size() == 1 ? "the one node that this rule matches has"
                             : fmt::format("the {} nodes that this rule matches have", matched.size()),
         part.subject(), matched.size() == 1 ? "" : "for instance ", what, first.name, first.op_type,
         (part.is_output() ? first.outputs.size() : first.inputs.size()) - 1);
  }
}

std::string subjects_of(const std::vector<OverridePart> &parts) {
  std::string all;
  for (const OverridePart &part : parts) all += (all.empty() ? "" : " or ") + part.subject();
  return all;
}

// The nodes are there, but none has a config in the places that the rule sets.
[[noreturn]] void refuse_without_effect(const OverrideRule &rule, const std::vector<OverridePart> &parts,
                                        const host::WorkingModel &working, const std::vector<model::Handle> &matched) {
  const model::Node &first = working.model.node(matched.front());
  const auto reason = working.float_reasons.find(matched.front());
  fail(Status::kInvalidArgument,
       "{}: this rule changes nothing: {} quantized {}; '{}' ({}){}; leave the rule out or match other nodes",
       rule.where.text(),
       matched.size() == 1 ? "the one node that it matches has no"
                           : fmt::format("none of the {} nodes that it matches has a", matched.size()),
       subjects_of(parts), first.name, first.op_type,
       reason == working.float_reasons.end() ? std::string(" is quantized elsewhere")
                                             : fmt::format(" stays in float: {}", reason->second));
}

// One of the maps that say what changes, named as in the file: "set.outputs".
void check_changes(const Setting &changes, const std::string &path, const host::Registry &registry) {
  if (std::ranges::all_of(changes.map(), [](const auto &entry) { return entry.second.is_null(); })) {
    fail(Status::kInvalidArgument, "{}: `{}` changes nothing; it takes state, observer, bits and symmetry",
         changes.where.text(), path);
  }
  if (const Setting *parameters = given(changes, "observer_parameters");
      parameters != nullptr && given(changes, "observer") == nullptr) {
    fail(Status::kInvalidArgument, "{}: `{}.observer_parameters` needs the `observer` that takes them",
         parameters->where.text(), path);
  }
  if (const Setting *observer = given(changes, "observer"))
    (void)named_component(registry, HT_KIND_OBSERVER, observer->text, observer->where);
}

}  // namespace

void check_overrides(const std::vector<OverrideRule> &rules, const host::Registry &registry) {
  for (const OverrideRule &rule : rules) {
    bool any = false;
    for (const auto &[name, part] : rule.set.map()) {
      if (part.is_null()) continue;
      any = true;
      const std::string path = "set." + name;
      check_changes(part, path, registry);
      for (const auto &[key, changes] : part.map()) {
        if (changes.is_map() && key != "observer_parameters") check_changes(changes, path + "." + key, registry);
      }
    }
    if (any) continue;
    fail(Status::kInvalidArgument, "{}: `set` changes nothing; {}", rule.set.where.text(), kOverrideParts);
  }
}

void apply_overrides(const std::vector<OverrideRule> &rules, host::WorkingModel &working, ChosenObservers &chosen,
                     const OverrideRun &run) {
  const Application to_all{working, chosen, run, SlotKinds(working.model)};
  const std::vector<model::Handle> nodes = model::every_node(working.model);
  for (const OverrideRule &rule : rules) {
    const std::vector<OverridePart> parts = parts_of(rule.set);
    std::vector<model::Handle> matched;
    Effect effect;
    for (const model::Handle node : nodes) {
      if (!matches(rule.op, rule.node, working.model.node(node))) continue;
      matched.push_back(node);
      apply_to_node(parts, to_all, node, effect);
    }
    if (matched.empty()) refuse_unmatched("rule", rule.op, rule.node, rule.where, working.model);
    require_slots(parts, working, matched);
    if (effect.set == 0) refuse_without_effect(rule, parts, working, matched);
    if (effect.changed != 0 || !run.first_time) continue;
    fail(Status::kInvalidArgument,
         "{}: this rule changes nothing: of the {} inputs and outputs that it sets, each is so already or has no range "
         "of its own to find; leave the rule out or set something else",
         rule.where.text(), effect.set);
  }
}

}  // namespace halftone::pipeline
