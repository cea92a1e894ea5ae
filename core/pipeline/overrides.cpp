#include "core/pipeline/overrides.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/model/every_node.h"
#include "core/pipeline/named.h"
#include "core/pipeline/node_match.h"
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

// What `set: inputs:` or `outputs:` may change in a config; whether it does.
bool change(host::WorkingModel &working, model::Handle handle, const Setting &setting) {
  quant::ConfigTable &configs = working.configs;
  const std::string reason = "override at " + setting.where.text();
  bool changed = false;
  if (const std::string observer = text_at(setting, "observer"); !observer.empty()) {
    std::map<std::string, std::string> parameters;
    if (const Setting *given_parameters = given(setting, "observer_parameters")) {
      for (const auto &[key, value] : given_parameters->map()) parameters[key] = value.text;
    }
    const quant::Config &before = configs.get(handle);
    changed = finds_range(before) && (before.observer != observer || before.observer_parameters != parameters);
    configs.set_observer(handle, observer, std::move(parameters));
  }
  ht_quant_spec spec = configs.get(handle).spec;
  const auto bits = static_cast<std::uint32_t>(integer_at(setting, "bits", spec.bits));
  const std::uint32_t symmetry = code_at(setting, "symmetry", kOverrideSymmetries, spec.symmetry);
  if (bits != spec.bits || symmetry != spec.symmetry) {
    spec.bits = bits;
    spec.symmetry = symmetry;
    spec.quant_min = spec.is_signed != 0 ? -(std::int64_t{1} << (bits - 1)) : 0;
    spec.quant_max = spec.is_signed != 0 ? (std::int64_t{1} << (bits - 1)) - 1 : (std::int64_t{1} << bits) - 1;
    set_spec(working, handle, spec, setting);
    changed = true;
  }
  if (given(setting, "state") != nullptr) {
    changed = changed || configs.get(handle).state != quant::State::kFp32;
    configs.set_state(handle, quant::State::kFp32, reason);
  }
  return changed;
}

// Configs that a rule sets, and those that are another way afterwards.
struct Effect {
  std::size_t set = 0, changed = 0;
};

void apply_to_node(const OverrideRule &rule, host::WorkingModel &working, model::Handle handle, Effect &effect) {
  const std::size_t input_count = working.model.node(handle).inputs.size();
  const std::size_t output_count = working.model.node(handle).outputs.size();
  for (const bool outputs : {false, true}) {
    const Setting *changes = given(rule.set, outputs ? "outputs" : "inputs");
    if (changes == nullptr) continue;
    for (std::size_t slot = 0; slot < (outputs ? output_count : input_count); ++slot) {
      const model::Handle config = working.configs.find({handle, outputs, static_cast<std::uint32_t>(slot)});
      if (config == HT_NONE) continue;
      ++effect.set;
      if (change(working, config, *changes)) ++effect.changed;
    }
  }
}

// The nodes are there, but none has a config in the places that the rule sets.
[[noreturn]] void refuse_without_effect(const OverrideRule &rule, const host::WorkingModel &working,
                                        const std::vector<model::Handle> &matched) {
  const model::Node &first = working.model.node(matched.front());
  const auto reason = working.float_reasons.find(matched.front());
  const bool inputs = given(rule.set, "inputs") != nullptr, outputs = given(rule.set, "outputs") != nullptr;
  fail(Status::kInvalidArgument,
       "{}: this rule changes nothing: {} quantized {}; '{}' ({}){}; leave the rule out or match other nodes",
       rule.where.text(),
       matched.size() == 1 ? "the one node that it matches has no"
                           : fmt::format("none of the {} nodes that it matches has a", matched.size()),
       inputs && outputs ? "input or output"
       : inputs          ? "input"
                         : "output",
       first.name, first.op_type,
       reason == working.float_reasons.end() ? std::string(" is quantized elsewhere")
                                             : fmt::format(" stays in float: {}", reason->second));
}

}  // namespace

void check_overrides(const std::vector<OverrideRule> &rules, const host::Registry &registry) {
  for (const OverrideRule &rule : rules) {
    if (given(rule.set, "inputs") == nullptr && given(rule.set, "outputs") == nullptr) {
      fail(Status::kInvalidArgument, "{}: `set` changes nothing; it takes `inputs` and `outputs`",
           rule.set.where.text());
    }
    for (const char *slots : {"inputs", "outputs"}) {
      const Setting *changes = given(rule.set, slots);
      if (changes == nullptr) continue;
      if (std::ranges::all_of(changes->map(), [](const auto &entry) { return entry.second.is_null(); })) {
        fail(Status::kInvalidArgument, "{}: `set.{}` changes nothing; it takes state, observer, bits and symmetry",
             changes->where.text(), slots);
      }
      if (const Setting *parameters = given(*changes, "observer_parameters");
          parameters != nullptr && given(*changes, "observer") == nullptr) {
        fail(Status::kInvalidArgument, "{}: `set.{}.observer_parameters` needs the `observer` that takes them",
             parameters->where.text(), slots);
      }
      if (const Setting *observer = given(*changes, "observer"))
        (void)named_component(registry, HT_KIND_OBSERVER, observer->text, observer->where);
    }
  }
}

void apply_overrides(const std::vector<OverrideRule> &rules, host::WorkingModel &working, bool first_time) {
  const std::vector<model::Handle> nodes = model::every_node(working.model);
  for (const OverrideRule &rule : rules) {
    std::vector<model::Handle> matched;
    Effect effect;
    for (const model::Handle node : nodes) {
      if (!matches(rule.op, rule.node, working.model.node(node))) continue;
      matched.push_back(node);
      apply_to_node(rule, working, node, effect);
    }
    if (matched.empty()) refuse_unmatched("rule", rule.op, rule.node, rule.where, working.model);
    if (effect.set == 0) refuse_without_effect(rule, working, matched);
    if (effect.changed != 0 || !first_time) continue;
    fail(Status::kInvalidArgument,
         "{}: this rule changes nothing: of the {} inputs and outputs that it sets, each is so already or has no range "
         "of its own to find; leave the rule out or set something else",
         rule.where.text(), effect.set);
  }
}

}  // namespace halftone::pipeline
