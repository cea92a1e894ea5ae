#include "core/host/kernel_index.h"

#include "core/base/error.h"

namespace halftone::host {

KernelIndex::KernelIndex(const Registry &registry) {
  // In the order of loading, not of ids: earlier plug-ins override later ones.
  for (const auto &loaded : registry.plugins()) {
    for (std::uint64_t i = 0; i < loaded->plugin->component_count; ++i) {
      const Component component{loaded->plugin->components[i], loaded.get()};
      if (component.description->kind != HT_KIND_OP_KERNELS) continue;
      const auto *set = static_cast<const ht_op_kernels *>(component.role(HT_OP_KERNELS_1));
      if (set == nullptr) continue;
      for (std::uint64_t k = 0; k < set->kernel_count; ++k) {
        const ht_op_kernel *kernel = set->kernels[k];
        kernels_[{kernel->domain, kernel->op_type}].push_back(kernel);
      }
    }
  }
}

const ht_op_kernel *KernelIndex::find(std::string_view domain, std::string_view op_type, std::int64_t opset) const {
  const auto found = kernels_.find({std::string(domain), std::string(op_type)});
  if (found == kernels_.end()) return nullptr;
  for (const ht_op_kernel *kernel : found->second) {
    if (kernel->since_opset <= opset && opset <= kernel->until_opset) return kernel;
  }
  return nullptr;
}

const ht_op_kernel &KernelIndex::get(std::string_view domain, std::string_view op_type, std::int64_t opset) const {
  if (const ht_op_kernel *kernel = find(domain, op_type, opset)) return *kernel;
  const std::string_view shown = domain.empty() ? "ai.onnx" : domain;
  const auto others = kernels_.find({std::string(domain), std::string(op_type)});
  if (others == kernels_.end()) {
    fail(Status::kUnimplemented,
         "no kernel for operator {} of domain {} (opset {}); a plug-in with role \"{}\" can supply one", op_type, shown,
         opset, HT_OP_KERNELS_1);
  }
  fail(Status::kUnimplemented, "no kernel for operator {} of domain {} at opset {}; there is one for opsets {} to {}",
       op_type, shown, opset, others->second.front()->since_opset, others->second.front()->until_opset);
}

}  // namespace halftone::host
