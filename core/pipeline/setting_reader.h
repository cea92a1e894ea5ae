// Typed access to a map of settings with the messages that users get: unknown key, wrong type, out of range.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/setting.h"

namespace halftone::pipeline {

class SettingReader {
 public:
  // Throws unless `setting` is a map whose keys are all in `known`. `what` names the map in messages: "`calibration`".
  SettingReader(const Setting &setting, std::string what, std::initializer_list<const char *> known);

  const Setting *find(std::string_view key) const { return setting_.find(key); }
  // Throws naming the key when it is absent.
  const Setting &require(std::string_view key) const;
  std::string text(std::string_view key, std::string deflt = {}) const;
  std::string required_text(std::string_view key) const;
  std::int64_t integer(std::string_view key, std::int64_t deflt, std::int64_t low, std::int64_t high) const;
  std::uint64_t size(std::string_view key, std::uint64_t deflt) const;  // "512MiB"
  std::string choice(std::string_view key, std::string deflt, std::initializer_list<const char *> choices) const;
  std::vector<const Setting *> list(std::string_view key) const;

 private:
  // "`calibration.limit`", "`path` of input 'x'"
  std::string name_of(std::string_view key) const;
  const Setting &setting_;
  std::string what_;
};

// The text of a scalar; throws for lists, maps and null.
std::string scalar_text(const Setting &setting, std::string_view what);

// "512MiB", "2GiB", "10MB", "4096" to bytes; throws with the location.
std::uint64_t parse_size(const Setting &setting, std::string_view what);

}  // namespace halftone::pipeline
