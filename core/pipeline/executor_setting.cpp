#include "core/pipeline/executor_setting.h"

#include <algorithm>
#include <string_view>

namespace halftone::pipeline {

Setting executor_settings(const host::Component &executor, const PlatformDescriptor *platform) {
  constexpr std::string_view kMultiplier = "multiplier";
  Setting settings;
  const Setting *said = platform == nullptr ? nullptr : platform->option("integer.multiplier");
  const ht_component &d = *executor.description;
  const bool known =
      std::any_of(d.params, d.params + d.param_count, [&](const ht_param &param) { return param.name == kMultiplier; });
  if (said != nullptr && known) settings.value = Setting::Map{{std::string(kMultiplier), *said}};
  return settings;
}

}  // namespace halftone::pipeline
