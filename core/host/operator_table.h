// What plug-ins offer for operators, by domain, operator and opset: kernels or gradients.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/host/registry.h"

namespace halftone::host {

// `Entry`: ht_op_kernel or ht_op_gradient, whose names and opsets it is found by.
template <typename Entry>
class OperatorTable {
 public:
  void add(const Entry &entry) { entries_[{entry.domain, entry.op_type}].push_back(&entry); }
  // Of several, the one that was added first. Null when none covers the opset.
  const Entry *find(std::string_view domain, std::string_view op_type, std::int64_t opset) const {
    const std::vector<const Entry *> &all = of(domain, op_type);
    const auto found = std::ranges::find_if(
        all, [&](const Entry *entry) { return entry->since_opset <= opset && opset <= entry->until_opset; });
    return found == all.end() ? nullptr : *found;
  }
  // For all opsets.
  const std::vector<const Entry *> &of(std::string_view domain, std::string_view op_type) const {
    static const std::vector<const Entry *> kNone;
    const auto found = entries_.find({std::string(domain), std::string(op_type)});
    return found == entries_.end() ? kNone : found->second;
  }

 private:
  std::map<std::pair<std::string, std::string>, std::vector<const Entry *>> entries_;
};

// Calls visit(table) with the role table of every component of a kind, in the order of loading, not of ids: earlier
// plug-ins override later ones. --plugin-path comes before the first-party folder, so a user can override one.
template <typename Table, typename Visit>
void each_table(const Registry &registry, std::uint32_t kind, std::string_view role, const Visit &visit) {
  for (const auto &loaded : registry.plugins()) {
    for (std::uint64_t i = 0; i < loaded->plugin->component_count; ++i) {
      const Component component{loaded->plugin->components[i], loaded.get()};
      if (component.description->kind != kind) continue;
      if (const void *table = component.role(role)) visit(*static_cast<const Table *>(table));
    }
  }
}

}  // namespace halftone::host
