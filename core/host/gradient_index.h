// Gradients of operators of all loaded plug-ins by domain, operator and opset.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/host/operator_table.h"
#include "halftone/op_gradient.h"

namespace halftone::host {

class GradientIndex {
 public:
  explicit GradientIndex(const Registry &registry);
  // Throws Unimplemented with what would cover it: other opsets, or nothing.
  const ht_op_gradient &get(std::string_view domain, std::string_view op_type, std::int64_t opset) const;

 private:
  OperatorTable<ht_op_gradient> gradients_;
  std::int64_t newest_ = 0;  // opset of ai.onnx that gradients were written for
};

}  // namespace halftone::host
