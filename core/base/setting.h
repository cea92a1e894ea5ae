// A tree of settings with the place where each was written: what YAML, JSON and --set become before anything is
// checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace halftone {

struct Location {
  std::string file;          // "pipeline.yaml", "--set"
  int line = 0, column = 0;  // from 1; 0 when there is none
  std::string text() const;  // "pipeline.yaml:12:3"
};

struct Setting {
  using List = std::vector<Setting>;
  using Map = std::vector<std::pair<std::string, Setting>>;  // in file order; keys unique
  // Scalars keep their text beside the value, so that "1" is accepted for a string and messages quote what was written.
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Map> value;
  std::string text;
  Location where;
  Location key_where;  // of the key in the surrounding map

  bool is_null() const { return std::holds_alternative<std::monostate>(value); }
  bool is_map() const { return std::holds_alternative<Map>(value); }
  bool is_list() const { return std::holds_alternative<List>(value); }
  const Map &map() const { return std::get<Map>(value); }
  const List &list() const { return std::get<List>(value); }
  const Setting *find(std::string_view key) const;  // null when absent or not a map
};

}  // namespace halftone
