#include "core/cli/platform_options.h"

#include <set>

#include "core/base/error.h"
#include "core/pipeline/yaml_setting.h"

namespace halftone::cli {

void set_platform_choices(const std::vector<std::string> &texts, pipeline::PipelineSpec &spec) {
  if (texts.empty()) return;
  if (!spec.platform_settings.is_map()) spec.platform_settings.value = Setting::Map();
  std::set<std::string> seen;
  for (const std::string &text : texts) {
    const std::string key = text.substr(0, text.find('='));
    if (!seen.insert(key).second)
      fail(Status::kInvalidArgument, "--platform-setting '{}': '{}' is set twice", text, key);
    pipeline::apply_override(spec.platform_settings, text, "--platform-setting");
  }
}

}  // namespace halftone::cli
