// Which role belongs to which kind of component, and which slots of its table must be set: data that the checks walk.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace halftone::host {

struct RoleSlot {
  const char *name;
  std::uint32_t offset;
  bool mandatory;  // an optional slot may be null
};

struct RoleSpec {
  std::uint32_t kind;
  std::string_view kind_name;
  std::string_view role;
  std::uint32_t minimum_size;  // of the role's table; 0: this host has no table for the role yet
  std::span<const RoleSlot> slots;
};

// Sizes that structs of the descriptor had in ABI 1.0. A smaller one is an error, a larger one comes from a newer SDK.
inline constexpr std::uint32_t kMinimumPlugin = 80;
inline constexpr std::uint32_t kMinimumComponent = 168;
inline constexpr std::uint32_t kMinimumParam = 184;
inline constexpr std::uint32_t kMinimumRole = 24;
inline constexpr std::uint32_t kMinimumOpKernel = 72;
inline constexpr std::uint32_t kMinimumOpGradient = 88;  // since 1.1

std::span<const RoleSpec> role_specs();
const RoleSpec *role_spec_of_kind(std::uint32_t kind);     // null for an unknown kind
const RoleSpec *role_spec_of_role(std::string_view role);  // null for a role that this host does not know
std::span<const RoleSlot> op_kernel_slots();               // of each element of a role table "ht.op_kernels/1"
std::span<const RoleSlot> op_gradient_slots();             // and of "ht.op_gradients/1"

}  // namespace halftone::host
