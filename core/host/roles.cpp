#include "core/host/roles.h"

#include <array>
#include <cstddef>

#include "core/host/registry.h"
#include "halftone/halftone.h"

namespace halftone::host {
namespace {

#define HT_MANDATORY(Table, field)       \
  RoleSlot {                             \
#field, offsetof(Table, field), true \
  }
#define HT_OPTIONAL(Table, field)         \
  RoleSlot {                              \
#field, offsetof(Table, field), false \
  }

constexpr RoleSlot kPass[] = {HT_MANDATORY(ht_pass, run)};
constexpr RoleSlot kExecutor[] = {HT_MANDATORY(ht_executor, supports), HT_MANDATORY(ht_executor, open),
                                  HT_MANDATORY(ht_executor, run),      HT_MANDATORY(ht_executor, close),
                                  HT_OPTIONAL(ht_executor, profile),   HT_OPTIONAL(ht_executor, memory)};
constexpr RoleSlot kPlatform[] = {HT_MANDATORY(ht_platform, descriptor), HT_OPTIONAL(ht_platform, refine)};
constexpr RoleSlot kObserver[] = {HT_MANDATORY(ht_observer, derive), HT_OPTIONAL(ht_observer, begin),
                                  HT_OPTIONAL(ht_observer, observe), HT_OPTIONAL(ht_observer, merge),
                                  HT_OPTIONAL(ht_observer, finish),  HT_OPTIONAL(ht_observer, release)};
constexpr RoleSlot kExporter[] = {HT_OPTIONAL(ht_exporter, extension), HT_MANDATORY(ht_exporter, write)};
constexpr RoleSlot kReader[] = {HT_OPTIONAL(ht_reader, extensions), HT_MANDATORY(ht_reader, open),
                                HT_MANDATORY(ht_reader, close),     HT_MANDATORY(ht_reader, count),
                                HT_MANDATORY(ht_reader, read),      HT_MANDATORY(ht_reader, name)};
constexpr RoleSlot kOpKernels[] = {HT_MANDATORY(ht_op_kernels, kernels)};
constexpr RoleSlot kOpKernel[] = {HT_MANDATORY(ht_op_kernel, domain),  HT_MANDATORY(ht_op_kernel, op_type),
                                  HT_MANDATORY(ht_op_kernel, prepare), HT_MANDATORY(ht_op_kernel, release),
                                  HT_MANDATORY(ht_op_kernel, infer),   HT_MANDATORY(ht_op_kernel, run)};
constexpr RoleSlot kOpGradients[] = {HT_MANDATORY(ht_op_gradients, gradients)};
constexpr RoleSlot kOpGradient[] = {HT_MANDATORY(ht_op_gradient, domain), HT_MANDATORY(ht_op_gradient, op_type),
                                    HT_MANDATORY(ht_op_gradient, prepare), HT_MANDATORY(ht_op_gradient, release),
                                    HT_MANDATORY(ht_op_gradient, backward)};
constexpr RoleSlot kTrainer[] = {
    HT_MANDATORY(ht_trainer, supports),   HT_MANDATORY(ht_trainer, open),   HT_MANDATORY(ht_trainer, evaluate),
    HT_MANDATORY(ht_trainer, accumulate), HT_MANDATORY(ht_trainer, update), HT_MANDATORY(ht_trainer, read),
    HT_MANDATORY(ht_trainer, gradient),   HT_MANDATORY(ht_trainer, write),  HT_MANDATORY(ht_trainer, save),
    HT_MANDATORY(ht_trainer, restore),    HT_MANDATORY(ht_trainer, close)};

#undef HT_MANDATORY
#undef HT_OPTIONAL

// Sizes are those of the minor that has the role first, as numbers: sizeof would grow with the headers and refuse
// plug-ins that are still fine.
constexpr RoleSpec kSpecs[] = {
    {HT_KIND_PASS, "pass", HT_PASS_1, 16, kPass},
    {HT_KIND_EXECUTOR, "executor", HT_EXECUTOR_1, 56, kExecutor},
    {HT_KIND_PLATFORM, "platform", HT_PLATFORM_1, 24, kPlatform},
    {HT_KIND_OBSERVER, "observer", HT_OBSERVER_1, 64, kObserver},
    {HT_KIND_EXPORTER, "exporter", HT_EXPORTER_1, 24, kExporter},
    {HT_KIND_IMPORTER, "importer", "ht.importer/1", 0, {}},
    {HT_KIND_READER, "reader", HT_READER_1, 56, kReader},
    {HT_KIND_OP_KERNELS, "op-kernels", HT_OP_KERNELS_1, 24, kOpKernels},
    {HT_KIND_EVALUATOR, "evaluator", "ht.evaluator/1", 0, {}},
    // Since 1.1.
    {HT_KIND_TRAINER, "trainer", HT_TRAINER_1, 96, kTrainer},
    {HT_KIND_OP_GRADIENTS, "op-gradients", HT_OP_GRADIENTS_1, 24, kOpGradients},
};

static_assert(sizeof(ht_plugin) >= kMinimumPlugin && sizeof(ht_component) >= kMinimumComponent);
static_assert(sizeof(ht_param) >= kMinimumParam && sizeof(ht_role) >= kMinimumRole);
static_assert(sizeof(ht_pass) >= 16 && sizeof(ht_executor) >= 56 && sizeof(ht_platform) >= 24);
static_assert(sizeof(ht_observer) >= 64 && sizeof(ht_exporter) >= 24 && sizeof(ht_reader) >= 56);
static_assert(sizeof(ht_op_kernels) >= 24 && sizeof(ht_op_kernel) >= kMinimumOpKernel);
static_assert(sizeof(ht_trainer) >= 96 && sizeof(ht_op_gradients) >= 24);
static_assert(sizeof(ht_op_gradient) >= kMinimumOpGradient);

}  // namespace

std::span<const RoleSpec> role_specs() {
  return kSpecs;
}

const RoleSpec *role_spec_of_kind(std::uint32_t kind) {
  for (const RoleSpec &spec : kSpecs) {
    if (spec.kind == kind) return &spec;
  }
  return nullptr;
}

const RoleSpec *role_spec_of_role(std::string_view role) {
  for (const RoleSpec &spec : kSpecs) {
    if (spec.role == role) return &spec;
  }
  return nullptr;
}

std::span<const RoleSlot> op_kernel_slots() {
  return kOpKernel;
}

std::span<const RoleSlot> op_gradient_slots() {
  return kOpGradient;
}

std::string_view kind_name(std::uint32_t kind) {
  const RoleSpec *spec = role_spec_of_kind(kind);
  return spec == nullptr ? "component" : spec->kind_name;
}

std::string_view role_of_kind(std::uint32_t kind) {
  const RoleSpec *spec = role_spec_of_kind(kind);
  return spec == nullptr ? std::string_view() : spec->role;
}

}  // namespace halftone::host
