// What this process holds, as the system counts it.
#pragma once

#include <cstdint>

namespace halftone {

std::uint64_t resident_memory();  // VmRSS in bytes; 0 when unknown
std::uint64_t peak_memory();      // VmHWM in bytes; 0 when unknown
// Gives memory that was freed back to the system, where the allocator can.
void return_free_memory();

}  // namespace halftone
