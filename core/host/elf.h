// A look at a library file before the dynamic loader sees it, whose own messages mislead ("No such file" for a library
// of another machine) and which dies on a truncated file.
#pragma once

#include <filesystem>

namespace halftone::host {

// Throws when the file is missing, is no ELF shared library of this machine or ends before its headers say.
// Messages begin with "plug-in '<file>': ".
void check_elf(const std::filesystem::path &file);

}  // namespace halftone::host
