// Text of the ABI, which need not end with a zero byte.
#pragma once

#include <string_view>

#include "halftone/base.h"

namespace halftone::host {

inline std::string_view text_of(ht_str text) {
  return {text.data, static_cast<std::size_t>(text.size)};
}

}  // namespace halftone::host
