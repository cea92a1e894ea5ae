// A program as the bytes of a file.
#pragma once

#include <string>

#include "instructions.h"

namespace tern {

std::string to_bytes(const Program &program);

}  // namespace tern
