// Expecting a halftone::Error with a status and with words of its message.
#pragma once

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace halftone::test {

template <typename Call>
void expect_error(Status status, std::initializer_list<std::string_view> words, Call call) {
  try {
    call();
  } catch (const Error &error) {
    const std::string text = error.what();
    INFO(text);
    CHECK(error.status() == status);
    for (const std::string_view word : words) {
      INFO("missing: ", std::string(word));
      CHECK(text.find(word) != std::string::npos);
    }
    return;
  }
  FAIL_CHECK("no error was thrown");
}

}  // namespace halftone::test
