// Checks of single texts and arrays in a plug-in's descriptor. `where` begins the message: "plug-in 'x.so': pass 'y'".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "halftone/base.h"

namespace halftone::host {

// Set, ended within `limit` bytes, UTF-8 without control characters; `lines` allows line breaks and tabs.
void check_text(const std::string &where, std::string_view field, const char *text, std::size_t limit,
                bool lines = false);

// A name of lower-case letters and digits, in groups joined by one of `joints`: "fold-batch-norm", "kernel_size".
bool is_name(std::string_view text, std::string_view joints);

// check_text and is_name; the message says which form is meant.
void check_name(const std::string &where, std::string_view field, const char *text, std::string_view joints);

// An array of a descriptor: no more elements than any honest plug-in has, and not null unless it is empty.
void check_array(const std::string &where, std::string_view field, const void *data, std::uint64_t count,
                 std::uint64_t limit);

// A counted text, as parameter defaults and choices hold.
void check_view(const std::string &where, std::string_view field, ht_str text, std::size_t limit);

}  // namespace halftone::host
