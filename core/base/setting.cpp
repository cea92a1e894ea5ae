#include "core/base/setting.h"

#include <fmt/format.h>

namespace halftone {

std::string Location::text() const {
  return line == 0 ? file : fmt::format("{}:{}:{}", file, line, column);
}

}  // namespace halftone
