// What a shared library shows to others.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace halftone::check {

// Names of the dynamic symbols that the file defines, sorted. Throws where it is no ELF library of 64 bits.
std::vector<std::string> exported_symbols(const std::filesystem::path &file);

}  // namespace halftone::check
