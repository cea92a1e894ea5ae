// What a platform lets its user choose, and what each choice changes in its descriptor. docs/platforms.md describes the
// keys `settings` and `variants`.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/setting.h"

namespace halftone::pipeline {

// The choice `auto` becomes one of two others by what the processor of this machine can do.
struct AutomaticChoice {
  std::string feature, present, absent;
};

struct PlatformSetting {
  std::string name, doc, deflt;
  std::vector<std::string> choices;
  std::optional<AutomaticChoice> automatic;
};

// Of a descriptor whose shape was checked. Throws InvalidArgument with the location for what does not fit together:
// defaults and conditions that are no choice.
std::vector<PlatformSetting> read_platform_settings(const Setting &root);

// The descriptor with each variant applied alone, to check what they say.
std::vector<Setting> each_variant(const Setting &root);

struct ChosenVariants {
  Setting root;                                             // the descriptor with what the choices change
  std::vector<std::pair<std::string, std::string>> chosen;  // by setting, `auto` resolved
  std::vector<std::string> notes;                           // of the variants that apply
};

// `wanted` is null or a map from setting to choice. Throws InvalidArgument for what the platform does not know.
ChosenVariants choose_variants(const Setting &root, const std::vector<PlatformSetting> &settings, const Setting &wanted,
                               std::string_view platform);

}  // namespace halftone::pipeline
