#include "core/host/gradient_index.h"

#include <algorithm>

#include "core/base/error.h"

namespace halftone::host {

GradientIndex::GradientIndex(const Registry &registry) {
  each_table<ht_op_gradients>(registry, HT_KIND_OP_GRADIENTS, HT_OP_GRADIENTS_1, [this](const ht_op_gradients &table) {
    for (std::uint64_t i = 0; i < table.gradient_count; ++i) {
      gradients_.add(*table.gradients[i]);
      if (*table.gradients[i]->domain == '\0') newest_ = std::max(newest_, table.gradients[i]->until_opset);
    }
  });
}

const ht_op_gradient &GradientIndex::get(std::string_view domain, std::string_view op_type, std::int64_t opset) const {
  // An opset that nobody knows yet is taken as the newest that is known, as kernels take it.
  const std::int64_t known = domain.empty() && newest_ != 0 ? std::min(opset, newest_) : opset;
  if (const ht_op_gradient *gradient = gradients_.find(domain, op_type, known)) return *gradient;
  const std::string_view shown = domain.empty() ? "ai.onnx" : domain;
  const auto &others = gradients_.of(domain, op_type);
  if (others.empty()) {
    fail(Status::kUnimplemented,
         "no gradient for operator {} of domain {} (opset {}), so that nothing in front of it can be trained; a "
         "plug-in with role \"{}\" can supply one",
         op_type, shown, opset, HT_OP_GRADIENTS_1);
  }
  fail(Status::kUnimplemented, "no gradient for operator {} of domain {} at opset {}; there is one for opsets {} to {}",
       op_type, shown, opset, others.front()->since_opset, others.front()->until_opset);
}

}  // namespace halftone::host
