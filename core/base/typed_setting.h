// One setting as a typed value: every complaint names file:line:column, the allowed values and the nearest name.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/setting.h"

namespace halftone {

// "map", "list", "number" ... what was written, for messages.
std::string_view kind_of(const Setting &setting);

// `what` names the thing in messages: "'types.weight'".
const Setting::Map &read_map(const Setting &setting, std::string_view what);
const Setting::List &read_list(const Setting &setting, std::string_view what);
bool read_bool(const Setting &setting, std::string_view what);
std::int64_t read_integer(const Setting &setting, std::string_view what, std::int64_t low, std::int64_t high);
double read_number(const Setting &setting, std::string_view what);                   // finite; integers count
std::string read_text(const Setting &setting, std::string_view what);                // any scalar except null
std::vector<std::string> read_texts(const Setting &setting, std::string_view what);  // a list, or one scalar
std::vector<double> read_numbers(const Setting &setting, std::string_view what);     // a list, or one number

using Choices = std::initializer_list<std::pair<std::string_view, std::uint32_t>>;
std::uint32_t read_choice(const Setting &setting, std::string_view what, Choices choices);

// The setting is a map and has no key beyond `allowed`.
void check_keys(const Setting &setting, std::string_view what, std::span<const std::string> allowed);

}  // namespace halftone
