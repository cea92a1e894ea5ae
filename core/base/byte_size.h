// Sizes in bytes as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace halftone {

// Bytes of "4096", "512MiB", "1.5GB"; false when the text is no size or more than fits.
bool parse_size(std::string_view text, std::int64_t &bytes);
// "512MiB" where a binary unit divides the number, else "1000 bytes".
std::string format_size(std::int64_t bytes);
// What parse_size() takes, as a regular expression.
inline constexpr const char *kSizePattern = "^[0-9]+(\\.[0-9]+)? *(|B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$";

}  // namespace halftone
