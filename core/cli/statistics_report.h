// Statistics files on the command line: their names, and what `halftone inspect` prints of one.
#pragma once

#include <string>

namespace halftone::cli {

// By its name: .htstats, or a checkpoint's .htstats.partial.
bool is_statistics_file(const std::string &path);
void print_statistics(const std::string &path);

}  // namespace halftone::cli
