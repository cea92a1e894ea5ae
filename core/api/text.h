// A text that the caller owns.
#pragma once

#include <string>

#include "halftone/embed.h"

struct ht_text {
  std::string text;
};

namespace halftone::api {

// Nothing where the caller does not want it.
inline void give_text(std::string text, ht_text **out) {
  if (out != nullptr) *out = new ht_text{std::move(text)};
}

}  // namespace halftone::api
