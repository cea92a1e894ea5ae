#include "core/pipeline/overrides.h"

#include <fnmatch.h>

#include <set>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/pipeline/setting_reader.h"

namespace halftone::pipeline {

namespace {

// What `set: inputs:` or `outputs:` may change in a config.
void change(host::WorkingModel &working, model::Handle handle, const Setting &setting, const std::string &what) {
  const SettingReader reader(setting, what, {"state", "observer", "bits", "symmetry", "rounding"});
  quant::ConfigTable &configs = working.configs;
  const std::string reason = "override at " + setting.where.text();
  if (const std::string observer = reader.text("observer"); !observer.empty()) configs.set_observer(handle, observer, {});
  ht_quant_spec spec = configs.get(handle).spec;
  const auto bits = static_cast<std::uint32_t>(reader.integer("bits", spec.bits, 2, 32));
  const std::string symmetry =
      reader.choice("symmetry", spec.symmetry == HT_SYMMETRIC ? "symmetric" : "asymmetric", {"symmetric", "asymmetric"});
  if (bits != spec.bits || (symmetry == "symmetric") != (spec.symmetry == HT_SYMMETRIC)) {
    spec.bits = bits;
    spec.symmetry = symmetry == "symmetric" ? HT_SYMMETRIC : HT_ASYMMETRIC;
    spec.quant_min = spec.is_signed != 0 ? -(std::int64_t{1} << (bits - 1)) : 0;
    spec.quant_max = spec.is_signed != 0 ? (std::int64_t{1} << (bits - 1)) - 1 : (std::int64_t{1} << bits) - 1;
    configs.set_spec(handle, spec);
  }
  if (reader.choice("state", "", {"fp32"}) == "fp32") configs.set_state(handle, quant::State::kFp32, reason);
}

bool matches(const OverrideRule &rule, const model::Node &node) {
  if (!rule.op.empty() && rule.op != node.op_type) return false;
  return rule.node.empty() || fnmatch(rule.node.c_str(), node.name.c_str(), 0) == 0;
}

void apply_to_node(const OverrideRule &rule, host::WorkingModel &working, model::Handle handle) {
  const SettingReader set(rule.set, "`set`", {"inputs", "outputs"});
  const std::size_t input_count = working.model.node(handle).inputs.size();
  const std::size_t output_count = working.model.node(handle).outputs.size();
  for (const bool outputs : {false, true}) {
    const Setting *changes = set.find(outputs ? "outputs" : "inputs");
    if (changes == nullptr) continue;
    for (std::size_t slot = 0; slot < (outputs ? output_count : input_count); ++slot) {
      const model::Handle config = working.configs.find({handle, outputs, static_cast<std::uint32_t>(slot)});
      if (config != HT_NONE) change(working, config, *changes, outputs ? "`set.outputs`" : "`set.inputs`");
    }
  }
}

[[noreturn]] void refuse_unmatched(const OverrideRule &rule, const model::Model &m) {
  std::set<std::string> names;
  for (const model::Handle node : m.graph(m.main_graph()).nodes) {
    names.insert(rule.op.empty() ? m.node(node).name : m.node(node).op_type);
  }
  const std::vector<std::string> known(names.begin(), names.end());
  const std::string &word = rule.op.empty() ? rule.node : rule.op;
  fail(Status::kInvalidArgument, "{}: this rule matches no node: {} '{}'{}", rule.where.text(),
       rule.op.empty() ? "node" : "op", word, nearest_hint(word, known));
}

}  // namespace

void apply_overrides(const std::vector<OverrideRule> &rules, host::WorkingModel &working) {
  const std::vector<model::Handle> nodes = working.model.topological_order(working.model.main_graph());
  for (const OverrideRule &rule : rules) {
    bool matched = false;
    for (const model::Handle node : nodes) {
      if (!matches(rule, working.model.node(node))) continue;
      matched = true;
      apply_to_node(rule, working, node);
    }
    if (!matched) refuse_unmatched(rule, working.model);
  }
}

}  // namespace halftone::pipeline
