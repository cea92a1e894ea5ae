#include "core/pipeline/setting_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/nearest.h"

namespace halftone::pipeline {

SettingReader::SettingReader(const Setting &setting, std::string what, std::initializer_list<const char *> known)
    : setting_(setting), what_(std::move(what)) {
  if (!setting.is_map()) {
    fail(Status::kInvalidArgument, "{}: {} must be a map of keys to values", setting.where.text(), what_);
  }
  const std::vector<std::string> names(known.begin(), known.end());
  for (const auto &[key, child] : setting.map()) {
    if (std::ranges::find(names, key) != names.end()) continue;
    fail(Status::kInvalidArgument, "{}: {} has no key '{}'{}; it takes: {}", child.key_where.text(), what_, key,
         nearest_hint(key, names), fmt::join(names, ", "));
  }
}

std::string SettingReader::name_of(std::string_view key) const {
  const bool quoted = what_.size() > 2 && what_.front() == '`' && what_.back() == '`';
  return quoted ? fmt::format("{}.{}`", what_.substr(0, what_.size() - 1), key) : fmt::format("`{}` of {}", key, what_);
}

const Setting &SettingReader::require(std::string_view key) const {
  const Setting *found = setting_.find(key);
  if (found == nullptr || found->is_null()) {
    fail(Status::kInvalidArgument, "{}: {} needs the key '{}'", setting_.where.text(), what_, key);
  }
  return *found;
}

std::string scalar_text(const Setting &setting, std::string_view what) {
  if (setting.is_map() || setting.is_list() || setting.is_null()) {
    fail(Status::kInvalidArgument, "{}: {} must be a single value", setting.where.text(), what);
  }
  return setting.text;
}

std::string SettingReader::text(std::string_view key, std::string deflt) const {
  const Setting *found = setting_.find(key);
  if (found == nullptr || found->is_null()) return deflt;
  return scalar_text(*found, name_of(key));
}

std::string SettingReader::required_text(std::string_view key) const {
  return scalar_text(require(key), name_of(key));
}

std::int64_t SettingReader::integer(std::string_view key, std::int64_t deflt, std::int64_t low,
                                    std::int64_t high) const {
  const Setting *found = setting_.find(key);
  if (found == nullptr || found->is_null()) return deflt;
  const auto *value = std::get_if<std::int64_t>(&found->value);
  if (value == nullptr) {
    fail(Status::kInvalidArgument, "{}: {} must be a whole number, not '{}'", found->where.text(), name_of(key),
         found->text);
  }
  if (*value < low || *value > high) {
    fail(Status::kInvalidArgument, "{}: {} must be between {} and {}, not {}", found->where.text(), name_of(key), low,
         high, *value);
  }
  return *value;
}

std::uint64_t parse_size(const Setting &setting, std::string_view what) {
  struct Unit {
    std::string_view name;
    double bytes;
  };
  constexpr std::array kUnits = {Unit{"", 1},         Unit{"B", 1},        Unit{"KiB", 0x1p10}, Unit{"MiB", 0x1p20},
                                 Unit{"GiB", 0x1p30}, Unit{"TiB", 0x1p40}, Unit{"kB", 1e3},     Unit{"KB", 1e3},
                                 Unit{"MB", 1e6},     Unit{"GB", 1e9},     Unit{"TB", 1e12}};
  const std::string text = scalar_text(setting, what);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  const auto known = std::ranges::find(kUnits, unit, &Unit::name);
  if (error != std::errc() || known == kUnits.end() || !(number >= 0) || number * known->bytes > 0x1p62) {
    fail(Status::kInvalidArgument, "{}: {} must be a size such as 512MiB or 2GiB, not '{}'", setting.where.text(), what,
         text);
  }
  return static_cast<std::uint64_t>(std::llround(number * known->bytes));
}

std::uint64_t SettingReader::size(std::string_view key, std::uint64_t deflt) const {
  const Setting *found = setting_.find(key);
  return found == nullptr || found->is_null() ? deflt : parse_size(*found, name_of(key));
}

std::string SettingReader::choice(std::string_view key, std::string deflt,
                                  std::initializer_list<const char *> choices) const {
  const Setting *found = setting_.find(key);
  if (found == nullptr || found->is_null()) return deflt;
  const std::string value = scalar_text(*found, name_of(key));
  const std::vector<std::string> names(choices.begin(), choices.end());
  if (std::ranges::find(names, value) == names.end()) {
    fail(Status::kInvalidArgument, "{}: {} must be one of {}, not '{}'{}", found->where.text(), name_of(key),
         fmt::join(names, ", "), value, nearest_hint(value, names));
  }
  return value;
}

std::vector<const Setting *> SettingReader::list(std::string_view key) const {
  std::vector<const Setting *> items;
  const Setting *found = setting_.find(key);
  if (found == nullptr || found->is_null()) return items;
  if (!found->is_list()) {
    fail(Status::kInvalidArgument, "{}: {} must be a list", found->where.text(), name_of(key));
  }
  for (const Setting &item : found->list()) items.push_back(&item);
  return items;
}

}  // namespace halftone::pipeline
