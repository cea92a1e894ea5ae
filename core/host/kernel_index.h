// Operator kernels of all loaded plug-ins by domain, operator and opset.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/host/operator_table.h"
#include "halftone/op_kernel.h"

namespace halftone::host {

class KernelIndex {
 public:
  explicit KernelIndex(const Registry &registry);
  // Null when none covers the opset. An opset of ai.onnx beyond newest_opset() is taken as that one: nobody knows yet
  // what it changes, mostly nothing. Of several, that of the plug-in loaded first wins.
  const ht_op_kernel *find(std::string_view domain, std::string_view op_type, std::int64_t opset) const;
  // The newest opset of ai.onnx that kernels were written for; 0 without kernels.
  std::int64_t newest_opset() const noexcept { return newest_; }
  // Throws Unimplemented with what would cover it: other opsets, or nothing.
  const ht_op_kernel &get(std::string_view domain, std::string_view op_type, std::int64_t opset) const;

 private:
  OperatorTable<ht_op_kernel> kernels_;
  std::int64_t newest_ = 0;
};

}  // namespace halftone::host
