// Statistics files on the command line: their names, and what `halftone inspect` prints of one.
#pragma once

#include <string>

namespace halftone::cli {

// By its name: .htstats, or a checkpoint's .htstats.partial.
bool is_statistics_file(const std::string &path);
// Refuses an output that has another name, or none: it would not be known again.
void require_statistics_name(const std::string &output);
void print_statistics(const std::string &path);

}  // namespace halftone::cli
