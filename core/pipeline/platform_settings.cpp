#include "core/pipeline/platform_settings.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/cpu_features.h"
#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/base/shape.h"
#include "core/pipeline/named.h"

namespace halftone::pipeline {
namespace {

constexpr std::string_view kAuto = "auto";

const std::string &choice_of(const Setting &value, const PlatformSetting &setting) {
  if (std::ranges::find(setting.choices, value.text) == setting.choices.end()) {
    fail(Status::kInvalidArgument, "{}: `{}` is one of {}, not '{}'{}", value.where.text(), setting.name,
         fmt::join(setting.choices, ", "), value.text, nearest_hint(value.text, setting.choices));
  }
  return value.text;
}

AutomaticChoice read_automatic(const Setting &automatic, const PlatformSetting &setting) {
  const Setting &feature = *given(automatic, "feature");
  const std::vector<std::string> known = known_cpu_features();
  if (std::ranges::find(known, feature.text) == known.end()) {
    fail(Status::kInvalidArgument, "{}: '{}' is no feature of a processor known here; known: {}", feature.where.text(),
         feature.text, fmt::join(known, ", "));
  }
  AutomaticChoice choice{feature.text, choice_of(*given(automatic, "present"), setting),
                         choice_of(*given(automatic, "absent"), setting)};
  for (const char *key : {"present", "absent"}) {
    if (given(automatic, key)->text != kAuto) continue;
    fail(Status::kInvalidArgument, "{}: 'auto' must become another choice; name that one",
         given(automatic, key)->where.text());
  }
  return choice;
}

PlatformSetting read_setting(const std::string &name, const Setting &setting) {
  PlatformSetting out;
  out.name = name;
  out.choices = texts_of(*given(setting, "choices"));
  std::vector<std::string> sorted = out.choices;
  std::ranges::sort(sorted);
  if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end()) {
    fail(Status::kInvalidArgument, "{}: `settings.{}` offers '{}' twice", given(setting, "choices")->where.text(), name,
         *twice);
  }
  out.deflt = choice_of(*given(setting, "default"), out);
  out.doc = text_at(setting, "doc");
  const Setting *automatic = given(setting, "auto");
  const bool offers_auto = std::ranges::find(out.choices, kAuto) != out.choices.end();
  if (offers_auto != (automatic != nullptr)) {
    fail(Status::kInvalidArgument, "{}: `settings.{}`: the choice 'auto' and the key `auto` belong together",
         setting.where.text(), name);
  }
  if (automatic != nullptr) out.automatic = read_automatic(*automatic, out);
  return out;
}

const PlatformSetting &find_setting(const std::vector<PlatformSetting> &settings, const std::string &name,
                                    const Setting &value, std::string_view owner) {
  const auto found = std::ranges::find(settings, name, &PlatformSetting::name);
  if (found != settings.end()) return *found;
  std::vector<std::string> known;
  for (const PlatformSetting &setting : settings) known.push_back(setting.name);
  const std::string at = place(value.key_where.line > 0 ? value.key_where : value.where);
  if (known.empty()) fail(Status::kInvalidArgument, "{}{} has no settings; '{}' cannot be set", at, owner, name);
  fail(Status::kInvalidArgument, "{}{} has no setting '{}'{}; it has: {}", at, owner, name, nearest_hint(name, known),
       fmt::join(known, ", "));
}

// Maps are merged key by key; everything else is replaced.
void merge(Setting &into, const Setting &from) {
  if (!into.is_map() || !from.is_map()) {
    into = from;
    return;
  }
  auto &map = std::get<Setting::Map>(into.value);
  for (const auto &[key, value] : from.map()) {
    const auto found = std::ranges::find(map, key, [](const auto &entry) { return std::string_view(entry.first); });
    if (found == map.end()) {
      map.emplace_back(key, value);
    } else {
      merge(found->second, value);
    }
  }
}

void apply(Setting &root, const Setting &variant) {
  Setting changes = variant;
  std::erase_if(std::get<Setting::Map>(changes.value),
                [](const auto &entry) { return entry.first == "when" || entry.first == "note"; });
  merge(root, changes);
}

const Setting::List &variants_of(const Setting &root) {
  static const Setting::List kNone;
  const Setting *variants = given(root, "variants");
  return variants == nullptr ? kNone : variants->list();
}

void check_variant(const Setting &variant, const std::vector<PlatformSetting> &settings) {
  if (given(variant, "when")->map().empty()) {
    fail(Status::kInvalidArgument,
         "{}: the variant has no condition and would always apply; write it into the platform",
         given(variant, "when")->where.text());
  }
  if (variant.map().size() < 2) {
    fail(Status::kInvalidArgument, "{}: the variant changes nothing; leave it out", variant.where.text());
  }
  for (const auto &[name, value] : given(variant, "when")->map()) {
    if (choice_of(value, find_setting(settings, name, value, "the platform")) == kAuto) {
      fail(Status::kInvalidArgument, "{}: 'auto' becomes another choice before variants are looked at; name that one",
           value.where.text());
    }
  }
}

}  // namespace

std::vector<PlatformSetting> read_platform_settings(const Setting &root) {
  std::vector<PlatformSetting> out;
  if (const Setting *settings = given(root, "settings")) {
    for (const auto &[name, setting] : settings->map()) out.push_back(read_setting(name, setting));
  }
  for (const Setting &variant : variants_of(root)) check_variant(variant, out);
  for (const PlatformSetting &setting : out) {
    const bool used = std::ranges::any_of(variants_of(root), [&](const Setting &variant) {
      return given(variant, "when")->find(setting.name) != nullptr;
    });
    if (used) continue;
    fail(Status::kInvalidArgument, "{}: no variant looks at the setting '{}', so that choosing does nothing",
         given(root, "settings")->find(setting.name)->where.text(), setting.name);
  }
  return out;
}

std::vector<Setting> each_variant(const Setting &root) {
  std::vector<Setting> out;
  for (const Setting &variant : variants_of(root)) apply(out.emplace_back(root), variant);
  return out;
}

ChosenVariants choose_variants(const Setting &root, const std::vector<PlatformSetting> &settings, const Setting &wanted,
                               std::string_view platform) {
  const std::string owner = fmt::format("platform '{}'", platform);
  ChosenVariants out;
  out.root = root;
  for (const PlatformSetting &setting : settings) out.chosen.emplace_back(setting.name, setting.deflt);
  if (!wanted.is_null()) {
    for (const auto &[name, value] : wanted.map()) {
      const PlatformSetting &setting = find_setting(settings, name, value, owner);
      out.chosen[static_cast<std::size_t>(&setting - settings.data())].second = choice_of(value, setting);
    }
  }
  for (std::size_t i = 0; i < settings.size(); ++i) {
    if (out.chosen[i].second != kAuto) continue;
    const AutomaticChoice &choice = *settings[i].automatic;
    const bool present = has_cpu_feature(choice.feature);
    out.chosen[i].second = present ? choice.present : choice.absent;
    out.notes.push_back(fmt::format("{}: auto is {} here; this processor has {}{}", settings[i].name,
                                    out.chosen[i].second, present ? "" : "no ", choice.feature));
  }
  for (const Setting &variant : variants_of(root)) {
    const bool applies = std::ranges::all_of(given(variant, "when")->map(), [&](const auto &condition) {
      return std::ranges::find(out.chosen, std::pair(condition.first, condition.second.text)) != out.chosen.end();
    });
    if (!applies) continue;
    apply(out.root, variant);
    if (const Setting *note = given(variant, "note")) out.notes.push_back(note->text);
  }
  return out;
}

}  // namespace halftone::pipeline
