// The newest opset whose operators were checked against the kernels here.
#pragma once

#include <cstdint>

namespace halftone::reference {

inline constexpr std::int64_t kNewest = 24;

}  // namespace halftone::reference
