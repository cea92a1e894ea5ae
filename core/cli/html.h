// HTML pages that need no network and no script, with everything that comes from a model or a file escaped.
#pragma once

#include <string>
#include <string_view>

#include "core/cli/console.h"

namespace halftone::cli {

// As the text of an element or of a quoted attribute. Bytes that are no UTF-8, and control characters, become U+FFFD.
std::string html_text(std::string_view text);

// The first row is the header; columns of numbers are aligned right.
std::string html_table(const Table &table);

// A whole page; `body` is HTML. The page forbids a browser to load or run anything.
std::string html_page(std::string_view title, const std::string &body);

}  // namespace halftone::cli
