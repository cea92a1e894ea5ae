#include "core/pipeline/preset.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/host/search.h"
#include "core/pipeline/pipeline_shape.h"
#include "core/pipeline/yaml_setting.h"

namespace halftone::pipeline {

namespace {
constexpr std::string_view kEnding = ".preset.yaml";
}

void apply_preset(const std::string &name, PipelineSpec &spec) {
  const std::filesystem::path folder = host::first_party_folder().parent_path() / "presets";
  std::vector<std::string> known;
  std::error_code error;
  for (const auto &entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string file = entry.path().filename().string();
    if (file.size() > kEnding.size() && file.ends_with(kEnding))
      known.push_back(file.substr(0, file.size() - kEnding.size()));
  }
  const std::filesystem::path file = folder / (name + std::string(kEnding));
  if (!std::filesystem::exists(file)) {
    std::ranges::sort(known);
    fail(Status::kInvalidArgument, "there is no preset named '{}'{}; there are: {}", name, nearest_hint(name, known),
         fmt::join(known, ", "));
  }
  const Setting root = parse_yaml_file(file);
  require_version(root, "halftone-preset", kPresetVersion);
  check_shape(root, preset_shape(), "the preset");
  if (const Setting *passes = given(root, "passes")) spec.passes = parse_passes(*passes);
  if (spec.platform.empty()) parse_platform_choice(given(root, "platform"), spec);
  if (spec.observer.empty()) spec.observer = text_at(root, "observer");
}

}  // namespace halftone::pipeline
