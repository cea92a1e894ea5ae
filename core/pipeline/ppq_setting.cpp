#include "core/pipeline/ppq_setting.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/base/shape.h"
#include "core/pipeline/json_setting.h"

namespace halftone::pipeline {

namespace {

// Rows that every setting of PPQ is born with, to show what rows look like.
constexpr std::string_view kExampleRows[] = {
    "YOUR OEPRATION NAME",     "YOUR OPERATION NAME",     "FP32 OPERATION NAME",     "SOI OPERATION NAME",
    "DSP INT8 OPERATION NAME", "TRT INT8 OPERATION NAME", "NXP INT8 OPERATION NAME", "PPL INT8 OPERATION NAME"};

const PpqKey *find_key(std::string_view path) {
  const auto found = std::ranges::find(ppq_keys(), path, &PpqKey::path);
  return found == ppq_keys().end() ? nullptr : &*found;
}

const PpqKey &known_key(std::string_view path) {
  const PpqKey *key = find_key(path);
  if (key == nullptr) fail(Status::kInternal, "no key '{}' of PPQ's settings", path);
  return *key;
}

bool is_text(const Setting &setting) {
  return std::holds_alternative<std::string>(setting.value);
}
bool is_whole(const Setting &setting) {
  return std::holds_alternative<std::int64_t>(setting.value);
}
bool is_names(const Setting &setting) {
  return setting.is_null() || (setting.is_list() && std::ranges::all_of(setting.list(), is_text));
}

// What the value must be; empty when it is.
std::string_view fault_of(const Setting &setting, PpqKind kind) {
  switch (kind) {
    case PpqKind::kFlag:
      return std::holds_alternative<bool>(setting.value) ? "" : "true or false";
    case PpqKind::kWhole:
      return is_whole(setting) ? "" : "a whole number";
    case PpqKind::kNumber:
      return is_whole(setting) || std::holds_alternative<double>(setting.value) ? "" : "a number";
    case PpqKind::kText:
      return is_text(setting) ? "" : "a text";
    case PpqKind::kName:
      return is_text(setting) || setting.is_null() ? "" : "a text or null";
    case PpqKind::kNames:
      return is_names(setting) ? "" : "a list of names";
    case PpqKind::kGroup:
      return setting.is_map() ? "" : "an object";
    default:
      return "";
  }
}

bool is_equal(const Setting &a, const Setting &b) {
  const bool numbers = (is_whole(a) || std::holds_alternative<double>(a.value)) &&
                       (is_whole(b) || std::holds_alternative<double>(b.value));
  if (numbers) return number_of(a) == number_of(b);
  if (a.is_list() && b.is_list()) return std::ranges::equal(a.list(), b.list(), is_equal);
  if (a.is_null() && b.is_list()) return b.list().empty();  // no names
  return a.value.index() == b.value.index() && a.text == b.text;
}

std::vector<std::string> names_below(const std::string &prefix) {
  std::vector<std::string> names;
  for (const PpqKey &key : ppq_keys()) {
    if (!key.path.starts_with(prefix)) continue;
    const std::string_view rest = key.path.substr(prefix.size());
    if (rest.find('.') == std::string_view::npos) names.emplace_back(rest);
  }
  return names;
}

}  // namespace

PpqSetting::PpqSetting(Setting root, bool strict, std::vector<std::string> &warnings) : root_(std::move(root)) {
  if (!root_.is_map() ||
      std::ranges::none_of(root_.map(), [](const auto &entry) { return find_key(entry.first) != nullptr; })) {
    fail(Status::kInvalidArgument,
         "{}: this is no setting of PPQ: it has none of its keys, such as `fusion_setting`; "
         "QuantizationSetting.to_json() "
         "writes one",
         root_.where.text());
  }
  read_map(root_, "", strict, warnings);
  if (const Setting *table = written("dispatching_table.dispatchings")) read_rows(*table);
}

void PpqSetting::read_map(const Setting &map, const std::string &prefix, bool strict,
                          std::vector<std::string> &warnings) {
  for (const auto &[name, child] : map.map()) {
    const PpqKey *key = find_key(prefix + name);
    if (key == nullptr) {
      const std::string text = fmt::format("{}: PPQ 0.6.6 has no key '{}'{}{}", child.key_where.text(), name,
                                           prefix.empty() ? "" : " in `" + prefix.substr(0, prefix.size() - 1) + "`",
                                           nearest_hint(name, names_below(prefix)));
      if (strict) throw Error(Status::kInvalidArgument, text);
      warnings.push_back(text + "; it is left out, as PPQ does without a word");
      continue;
    }
    if (const std::string_view wanted = fault_of(child, key->kind); !wanted.empty()) {
      fail(Status::kInvalidArgument, "{}: `{}` must be {}", child.where.text(), key->path, wanted);
    }
    if (key->kind == PpqKind::kGroup) read_map(child, prefix + name + ".", strict, warnings);
  }
}

void PpqSetting::read_rows(const Setting &table) {
  if (table.is_map()) {
    for (const auto &[operation, platform] : table.map()) add_row(operation, platform);
    return;
  }
  // Older versions write a list of pairs.
  for (const Setting &row : table.is_list() ? table.list() : Setting::List{table}) {
    const Setting *operation = row.find("operation"), *platform = row.find("platform");
    if (operation == nullptr || platform == nullptr || !is_text(*operation)) {
      fail(Status::kInvalidArgument,
           "{}: rows of the dispatching table are an operation and the number of a platform: {{\"NAME\": 0}}",
           row.where.text());
    }
    add_row(operation->text, *platform);
  }
}

void PpqSetting::add_row(const std::string &operation, const Setting &platform) {
  if (std::ranges::find(kExampleRows, operation) != std::end(kExampleRows)) return;
  const auto *number = std::get_if<std::int64_t>(&platform.value);
  if (number == nullptr) {
    fail(Status::kInvalidArgument,
         "{}: the platform of '{}' must be the number of a TargetPlatform, such as 0 for FP32", platform.where.text(),
         operation);
  }
  rows_.push_back({operation, *number, platform.key_where.file.empty() ? platform.where : platform.key_where});
}

const Setting *PpqSetting::written(std::string_view path) const {
  const std::size_t dot = path.find('.');
  const Setting *found = root_.find(path.substr(0, dot));
  return dot == std::string_view::npos || found == nullptr ? found : found->find(path.substr(dot + 1));
}

Setting PpqSetting::value(std::string_view path) const {
  if (const Setting *found = written(path)) return *found;
  return parse_json(known_key(path).deflt, "PPQ's default");
}

bool PpqSetting::flag(std::string_view path) const {
  return std::get<bool>(value(path).value);
}

std::string PpqSetting::text(std::string_view path) const {
  return value(path).text;
}

bool PpqSetting::differs(std::string_view path) const {
  const Setting *found = written(path);
  return found != nullptr && !is_equal(*found, parse_json(known_key(path).deflt, "PPQ's default"));
}

}  // namespace halftone::pipeline
