// Checks of a component's role tables: the kind's own role is there and its mandatory slots are set.
#include <cstring>
#include <set>
#include <string_view>

#include "core/base/error.h"
#include "core/host/descriptor_text.h"
#include "core/host/negotiate.h"
#include "core/host/roles.h"
#include "halftone/op_gradient.h"
#include "halftone/op_kernel.h"

namespace halftone::host {
namespace {

constexpr std::uint64_t kMostRoles = 64, kMostOperators = 65536;

void check_slots(const std::string &where, const void *table, std::span<const RoleSlot> slots) {
  std::uint32_t size = 0;
  std::memcpy(&size, table, sizeof size);
  for (const RoleSlot &slot : slots) {
    const void *value = nullptr;
    if (slot.offset + sizeof value > size) continue;  // the plug-in is older than the slot
    // Slots are pointers to data or functions, of one size on every system that can load plug-ins.
    std::memcpy(&value, static_cast<const unsigned char *>(table) + slot.offset, sizeof value);
    if (slot.mandatory && value == nullptr) {
      fail(Status::kInvalidArgument, "{}: slot '{}' is null; the plug-in's author must fill it", where, slot.name);
    }
  }
}

void check_table_size(const std::string &where, const void *table, std::uint32_t minimum) {
  std::uint32_t size = 0;
  std::memcpy(&size, table, sizeof size);
  if (size < minimum) {
    fail(Status::kInvalidArgument,
         "{}: its table has {} bytes and needs at least {}; rebuild the plug-in with this host's SDK", where, size,
         minimum);
  }
}

// `Entry`: ht_op_kernel or ht_op_gradient; `noun` is what errors call it.
template <typename Entry>
void check_operators(const std::string &where, const char *noun, const Entry *const *entries, std::uint64_t count,
                     std::uint32_t minimum, std::span<const RoleSlot> slots) {
  check_array(where, fmt::format("{}s", noun), entries, count, kMostOperators);
  for (std::uint64_t i = 0; i < count; ++i) {
    const Entry *entry = entries[i];
    std::string which = fmt::format("{}: {} {}", where, noun, i + 1);
    if (entry == nullptr) fail(Status::kInvalidArgument, "{} is null; the plug-in's author must fill it", which);
    check_table_size(which, entry, minimum);
    if (entry->op_type != nullptr) {
      check_text(which, "op_type", entry->op_type, 256);
      which += fmt::format(" ({})", entry->op_type);
    }
    check_slots(which, entry, slots);
    check_text(which, "domain", entry->domain, 256);
    if (entry->since_opset > entry->until_opset) {
      fail(Status::kInvalidArgument, "{}: covers opsets {} to {}, which is no range; the plug-in's author must mend it",
           which, entry->since_opset, entry->until_opset);
    }
  }
}

void check_elements(const std::string &where, std::uint32_t kind, const void *table) {
  if (kind == HT_KIND_OP_KERNELS) {
    const auto &kernels = *static_cast<const ht_op_kernels *>(table);
    check_operators(where, "kernel", kernels.kernels, kernels.kernel_count, kMinimumOpKernel, op_kernel_slots());
  }
  if (kind == HT_KIND_OP_GRADIENTS) {
    const auto &gradients = *static_cast<const ht_op_gradients *>(table);
    check_operators(where, "gradient", gradients.gradients, gradients.gradient_count, kMinimumOpGradient,
                    op_gradient_slots());
  }
}

void check_role(const std::string &where, const ht_role *role, std::set<std::string_view> &seen) {
  if (role == nullptr || role->struct_size < kMinimumRole) {
    fail(Status::kInvalidArgument,
         "{}: one of its roles is null or too small; rebuild the plug-in with this host's SDK", where);
  }
  check_text(where, "role id", role->id, 128);
  const std::string which = fmt::format("{}: role '{}'", where, role->id);
  if (role->table == nullptr) {
    fail(Status::kInvalidArgument, "{}: its table is null; the plug-in's author must fill it", which);
  }
  if (!seen.insert(role->id).second) {
    fail(Status::kInvalidArgument, "{} is offered twice; the plug-in's author must remove one", which);
  }
  const RoleSpec *spec = role_spec_of_role(role->id);
  if (spec == nullptr || spec->minimum_size == 0) return;  // for a newer host: none of our business
  check_table_size(which, role->table, spec->minimum_size);
  check_slots(which, role->table, spec->slots);
  check_elements(which, spec->kind, role->table);
}

}  // namespace

void check_roles(const std::string &where, const ht_component &component) {
  check_array(where, "roles", component.roles, component.role_count, kMostRoles);
  std::set<std::string_view> seen;
  for (std::uint64_t i = 0; i < component.role_count; ++i) check_role(where, component.roles[i], seen);
  const RoleSpec *spec = role_spec_of_kind(component.kind);
  if (!seen.contains(spec->role)) {
    fail(Status::kInvalidArgument,
         "{}: does not offer role '{}', which every {} must; the plug-in's author must add it", where, spec->role,
         spec->kind_name);
  }
}

}  // namespace halftone::host
