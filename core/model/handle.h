// Handles: kind, generation and index in 64 bits, so that a stale handle is noticed.
#pragma once

#include <cstdint>

#include "halftone/base.h"

namespace halftone::model {

using Handle = ht_handle;

enum class HandleKind : std::uint32_t {
  kNone = 0,
  kModel = 1,
  kGraph = 2,
  kNode = 3,
  kValue = 4,
  kConfig = 5,
  kSession = 6
};
constexpr Handle make_handle(HandleKind kind, std::uint32_t generation, std::uint32_t index) {
  return (static_cast<Handle>(kind) << 56) | (static_cast<Handle>(generation & 0xFFFFFFU) << 32) | index;
}
constexpr HandleKind handle_kind(Handle h) {
  return static_cast<HandleKind>(h >> 56);
}
constexpr std::uint32_t handle_generation(Handle h) {
  return static_cast<std::uint32_t>(h >> 32) & 0xFFFFFFU;
}
constexpr std::uint32_t handle_index(Handle h) {
  return static_cast<std::uint32_t>(h);
}

}  // namespace halftone::model
