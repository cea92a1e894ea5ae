#include "core/pipeline/analysis/advice.h"

#include <algorithm>

#include <fmt/core.h>

namespace halftone::pipeline {

using model::Handle;

Advice::Advice(const host::WorkingModel &working) : working_(working), kinds_(working.model) {
  for (const Handle config : working.configs.all()) {
    const Handle source = working.configs.source(config);
    if (source != config) shared_[source].push_back(config);
  }
}

std::string Advice::rules(Handle config, const std::string &changes) const {
  const Handle source = working_.configs.source(config);
  std::vector<Handle> configs = {source};
  const auto shared = shared_.find(source);
  if (shared != shared_.end() && !changes.starts_with("observer"))
    configs.insert(configs.end(), shared->second.begin(), shared->second.end());
  std::vector<std::pair<Handle, std::vector<quant::SlotKey>>> nodes;  // in the order of the configs
  for (const Handle handle : configs) {
    const quant::SlotKey key = working_.configs.get(handle).key;
    if (working_.model.node(key.node).name.empty()) continue;  // no rule can match it alone
    const auto known = std::ranges::find(nodes, key.node, [](const auto &entry) { return entry.first; });
    if (known == nodes.end()) {
      nodes.push_back({key.node, {key}});
    } else {
      known->second.push_back(key);
    }
  }
  std::string yaml;
  for (const auto &[node, keys] : nodes) {
    yaml += fmt::format("- match: {{node: {}}}\n  set: {{{}}}\n", exact_pattern(working_.model.node(node).name),
                        set_yaml(kinds_, keys, changes));
  }
  return yaml;
}

std::string exact_pattern(const std::string &name) {
  std::string pattern;  // escaped for the pattern, then for a quoted text of YAML
  for (const char c : name) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') pattern += "\\\\";
    if (c == '"' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return '"' + pattern + '"';
}

}  // namespace halftone::pipeline
