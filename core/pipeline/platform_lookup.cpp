#include "core/pipeline/platform_lookup.h"

#include <algorithm>
#include <vector>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/pipeline/named.h"
#include "halftone/platform.h"

namespace halftone::pipeline {

PlatformDescriptor find_platform(const host::Registry &registry, const std::string &id, const Location &where,
                                 const Setting &wanted) {
  if (const auto file = registry.descriptors.find(id); file != registry.descriptors.end()) {
    return parse_platform_file(file->second, wanted);
  }
  if (const host::Component *component = registry.find(HT_KIND_PLATFORM, id)) {
    const auto *role = static_cast<const ht_platform *>(component->role(HT_PLATFORM_1));
    return parse_platform(role->descriptor, "platform '" + id + "'", wanted);
  }
  const std::vector<std::string> known = platform_names(registry);
  fail(Status::kInvalidArgument, "{}there is no platform named '{}'{}; `halftone platforms` lists what there is",
       place(where), id, nearest_hint(id, known));
}

std::vector<std::string> platform_names(const host::Registry &registry) {
  std::vector<std::string> names;
  for (const auto &[name, path] : registry.descriptors) names.push_back(name);
  for (const host::Component *component : registry.all(HT_KIND_PLATFORM)) names.emplace_back(component->id());
  std::ranges::sort(names);
  return names;
}

std::string platform_text(const PlatformDescriptor &platform) {
  std::string choices;
  for (const auto &[name, choice] : platform.chosen) choices += (choices.empty() ? "" : ", ") + name + ": " + choice;
  return choices.empty() ? platform.id : platform.id + " (" + choices + ")";
}

}  // namespace halftone::pipeline
