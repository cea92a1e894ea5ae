// What the processor of this machine can do, where a platform asks for it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace halftone {

// Names that has_cpu_feature() knows: "vnni".
std::vector<std::string> known_cpu_features();

// vnni: products of bytes are added up in 32 bits in one step. Without it, x86 processors add pairs of products in 16
// bits that saturate (VPMADDUBSW); processors of other families have no such step and count as having the feature.
// Throws InvalidArgument for a name that is not known.
bool has_cpu_feature(std::string_view name);

// The widest vector instructions of this processor that kernels choose between: "avx512", "avx2", "sse4", "baseline" on
// x86, "neon" on Arm. Results are the same bits for one build and one of these.
std::string_view instruction_set();

}  // namespace halftone
