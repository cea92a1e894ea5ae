#include "core/base/typed_setting.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/nearest.h"

namespace halftone {
namespace {

[[noreturn]] void wrong_type(const Setting &setting, std::string_view what, std::string_view wanted) {
  const bool scalar = !setting.is_map() && !setting.is_list() && !setting.is_null();
  fail(Status::kInvalidArgument, "{}: {} takes {}, not {}", setting.where.text(), what, wanted,
       scalar ? "'" + setting.text + "'" : "a " + std::string(kind_of(setting)));
}

}  // namespace

std::string_view kind_of(const Setting &setting) {
  constexpr std::string_view kNames[] = {"null", "boolean", "integer", "number", "text", "list", "map"};
  return kNames[setting.value.index()];
}

const Setting::Map &read_map(const Setting &setting, std::string_view what) {
  if (!setting.is_map()) wrong_type(setting, what, "a map");
  return setting.map();
}

const Setting::List &read_list(const Setting &setting, std::string_view what) {
  if (!setting.is_list()) wrong_type(setting, what, "a list");
  return setting.list();
}

bool read_bool(const Setting &setting, std::string_view what) {
  const bool *value = std::get_if<bool>(&setting.value);
  if (value == nullptr) wrong_type(setting, what, "true or false");
  return *value;
}

std::int64_t read_integer(const Setting &setting, std::string_view what, std::int64_t low, std::int64_t high) {
  const auto *value = std::get_if<std::int64_t>(&setting.value);
  if (value == nullptr) wrong_type(setting, what, "an integer");
  if (*value < low || *value > high) {
    fail(Status::kInvalidArgument, "{}: {} must be {} to {}, not {}", setting.where.text(), what, low, high, *value);
  }
  return *value;
}

double read_number(const Setting &setting, std::string_view what) {
  if (const auto *integer = std::get_if<std::int64_t>(&setting.value)) return static_cast<double>(*integer);
  const double *value = std::get_if<double>(&setting.value);
  if (value == nullptr || !std::isfinite(*value)) wrong_type(setting, what, "a finite number");
  return *value;
}

std::string read_text(const Setting &setting, std::string_view what) {
  if (setting.is_map() || setting.is_list() || setting.is_null()) wrong_type(setting, what, "text");
  return setting.text;
}

std::vector<std::string> read_texts(const Setting &setting, std::string_view what) {
  if (!setting.is_list()) return {read_text(setting, what)};
  std::vector<std::string> out;
  for (const Setting &item : setting.list()) out.push_back(read_text(item, what));
  return out;
}

std::vector<double> read_numbers(const Setting &setting, std::string_view what) {
  if (!setting.is_list()) return {read_number(setting, what)};
  std::vector<double> out;
  for (const Setting &item : setting.list()) out.push_back(read_number(item, what));
  return out;
}

std::uint32_t read_choice(const Setting &setting, std::string_view what, Choices choices) {
  const std::string text = read_text(setting, what);
  std::vector<std::string> names;
  for (const auto &[name, code] : choices) {
    if (name == text) return code;
    names.emplace_back(name);
  }
  fail(Status::kInvalidArgument, "{}: {} cannot be '{}'{}; allowed: {}", setting.where.text(), what, text,
       nearest_hint(text, names), fmt::join(names, ", "));
}

void check_keys(const Setting &setting, std::string_view what, std::span<const std::string> allowed) {
  for (const auto &[key, child] : read_map(setting, what)) {
    if (std::find(allowed.begin(), allowed.end(), key) != allowed.end()) continue;
    fail(Status::kInvalidArgument, "{}: unknown key '{}' in {}{}; allowed: {}", child.key_where.text(), key, what,
         nearest_hint(key, allowed), fmt::join(allowed, ", "));
  }
}

}  // namespace halftone
