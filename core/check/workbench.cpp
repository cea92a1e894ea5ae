#include "core/check/workbench.h"

#include <fmt/core.h>

namespace halftone::check {

std::string Subject::label() const {
  return fmt::format("{} '{}'", host::kind_name(kind), id);
}

const host::Registry &Workbench::registry() {
  if (!registry_) {
    host::SearchOptions search;
    search.plugin_paths = {options_.file};
    search.use_environment = false;  // the author's other plug-ins are no part of this
    search.probe = false;            // this is a child already
    registry_ = host::load_plugins(search);
  }
  return *registry_;
}

std::vector<Subject> Workbench::subjects() {
  std::vector<Subject> out;
  const auto is_file = [&](const std::filesystem::path &other) {
    std::error_code ignored;
    return std::filesystem::equivalent(other, options_.file, ignored);
  };
  for (const auto &[id, file] : registry().descriptors) {
    if (is_file(file)) out.push_back({HT_KIND_PLATFORM, id, nullptr});
  }
  for (const auto &plugin : registry().plugins()) {
    if (!is_file(plugin->file)) continue;
    for (std::uint64_t i = 0; i < plugin->plugin->component_count; ++i) {
      const ht_component &component = *plugin->plugin->components[i];
      out.push_back({component.kind, component.id, registry().find(component.kind, component.id)});
    }
  }
  return out;
}

const Setting &Workbench::parameters_of(const Subject &subject) const {
  static const Setting none;
  const Setting *found = options_.parameters.find(subject.id);
  return found != nullptr ? *found : none;
}

}  // namespace halftone::check
