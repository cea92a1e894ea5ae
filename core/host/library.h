// Opens plug-in libraries, for good: one that is unloaded while its objects or thread-local destructors are alive
// crashes.
#pragma once

#include <filesystem>

#include "halftone/plugin.h"

namespace halftone::host {

// Checks the file's ELF headers, loads it with everything resolved and private, and returns its descriptor (unchecked).
// Throws an Error that begins with "plug-in '<file>': ". `file` is absolute.
const ht_plugin *open_plugin(const std::filesystem::path &file);

}  // namespace halftone::host
