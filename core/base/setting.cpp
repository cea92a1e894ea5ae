#include "core/base/setting.h"

#include <fmt/core.h>

namespace halftone {

std::string Location::text() const {
  return line == 0 ? file : fmt::format("{}:{}:{}", file, line, column);
}

const Setting *Setting::find(std::string_view key) const {
  if (!is_map()) return nullptr;
  for (const auto &[name, child] : map()) {
    if (name == key) return &child;
  }
  return nullptr;
}

}  // namespace halftone
