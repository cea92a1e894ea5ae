#include <algorithm>
#include <cctype>
#include <iterator>

#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/pipeline/platform_lookup.h"
#include "core/pipeline/ppq_conversion.h"
#include "core/pipeline/ppq_setting_map.h"

namespace halftone::pipeline {

namespace {

bool has(const std::vector<std::string> &names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

[[noreturn]] void refuse_unknown(const std::string &name, std::vector<std::string> known) {
  for (const PpqPlatform &platform : ppq_platforms()) known.emplace_back(platform.name);
  fail(Status::kInvalidArgument,
       "there is no platform named '{}'{}; --platform takes a platform of ours (`halftone platforms` lists them) or of "
       "PPQ, such as TRT_INT8",
       name, nearest_hint(name, known));
}

// The id to take for a platform of PPQ.
std::string counterpart_of(const PpqPlatform &platform, bool exact, const std::vector<std::string> &known,
                           std::vector<std::string> &warnings) {
  const bool has_ours = !platform.ours.empty() && has(known, platform.ours);
  const bool has_exact = !platform.exact.empty() && has(known, platform.exact);
  if (exact && !has_exact) {
    fail(Status::kInvalidArgument, "no platform here decides as PPQ's {} does{}", platform.name,
         has_ours ? fmt::format("; without --exact it becomes {}", platform.ours) : std::string());
  }
  if (has_ours && !exact) return std::string(platform.ours);
  if (!has_exact) {
    fail(Status::kInvalidArgument,
         "PPQ's platform {} has no counterpart yet; name another (`halftone platforms` lists them) or describe the "
         "device "
         "in a file of your own (docs/platforms.md)",
         platform.name);
  }
  if (!exact) {
    warnings.push_back(
        fmt::format("PPQ's {} becomes {}, which is there to compare results with PPQ's; no exporter "
                    "writes the format of that device yet",
                    platform.name, platform.exact));
  }
  return std::string(platform.exact);
}

}  // namespace

PpqTarget ppq_target(const host::Registry &registry, const std::string &name, bool exact,
                     std::vector<std::string> &warnings) {
  const std::vector<std::string> known = platform_names(registry);
  PpqTarget target;
  std::string id = name;
  if (!has(known, name)) {
    std::string upper;
    std::ranges::transform(name, std::back_inserter(upper),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    const auto found = std::ranges::find(ppq_platforms(), upper, &PpqPlatform::name);
    if (found == ppq_platforms().end()) refuse_unknown(name, known);
    target.named = found->name;
    id = counterpart_of(*found, exact, known, warnings);
  } else if (exact && !name.starts_with("ppq-")) {
    fail(Status::kInvalidArgument, "--exact is for platforms of PPQ, such as TRT_INT8; '{}' is one of ours", name);
  }
  target.platform = find_platform(registry, id, {});
  target.alike = id.starts_with("ppq-");
  return target;
}

}  // namespace halftone::pipeline
