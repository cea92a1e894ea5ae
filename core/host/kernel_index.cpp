#include "core/host/kernel_index.h"

#include <algorithm>
#include <array>

#include "core/base/error.h"

namespace halftone::host {
namespace {

// Operators that the first-party kernels leave out on purpose, by the beginning of their names.
struct LeftOut {
  std::string_view prefix, reason;
};
constexpr std::array kLeftOut = {
    LeftOut{"Bernoulli", "it draws random numbers, which no run could repeat"},
    LeftOut{"Multinomial", "it draws random numbers, which no run could repeat"},
    LeftOut{"Random", "it draws random numbers, which no run could repeat"},
    LeftOut{"String", "it works on strings, which tensors do not hold here"},
    LeftOut{"RegexFullMatch", "it works on strings, which tensors do not hold here"},
    LeftOut{"Sequence", "it works on sequences, which are not tensors"},
    LeftOut{"SplitToSequence", "it works on sequences, which are not tensors"},
    LeftOut{"ConcatFromSequence", "it works on sequences, which are not tensors"},
    LeftOut{"ImageDecoder", "it decodes image files, which readers do"},
    LeftOut{"Gradient", "it differentiates a graph, which belongs to training"},
};

std::string_view reason_of(std::string_view domain, std::string_view op_type) {
  if (!domain.empty() && domain != "ai.onnx.preview.training") return {};
  const auto found =
      std::ranges::find_if(kLeftOut, [&](const LeftOut &entry) { return op_type.starts_with(entry.prefix); });
  return found == kLeftOut.end() ? std::string_view() : found->reason;
}

}  // namespace

KernelIndex::KernelIndex(const Registry &registry) {
  each_table<ht_op_kernels>(registry, HT_KIND_OP_KERNELS, HT_OP_KERNELS_1, [this](const ht_op_kernels &table) {
    for (std::uint64_t i = 0; i < table.kernel_count; ++i) {
      const ht_op_kernel &kernel = *table.kernels[i];
      kernels_.add(kernel);
      // One that promises to serve any opset says nothing about the newest.
      constexpr std::int64_t kNoOpset = 1000;
      if (*kernel.domain == '\0' && kernel.until_opset < kNoOpset) newest_ = std::max(newest_, kernel.until_opset);
    }
  });
}

const ht_op_kernel *KernelIndex::find(std::string_view domain, std::string_view op_type, std::int64_t opset) const {
  if (domain.empty() && newest_ != 0) opset = std::min(opset, newest_);
  return kernels_.find(domain, op_type, opset);
}

const ht_op_kernel &KernelIndex::get(std::string_view domain, std::string_view op_type, std::int64_t opset) const {
  if (const ht_op_kernel *kernel = find(domain, op_type, opset)) return *kernel;
  const std::string_view shown = domain.empty() ? "ai.onnx" : domain;
  const auto &others = kernels_.of(domain, op_type);
  if (others.empty()) {
    const std::string_view reason = reason_of(domain, op_type);
    fail(Status::kUnimplemented,
         "no kernel for operator {} of domain {} (opset {}){}{}; a plug-in with role \"{}\" can supply one", op_type,
         shown, opset, reason.empty() ? "" : ": ", reason, HT_OP_KERNELS_1);
  }
  fail(Status::kUnimplemented, "no kernel for operator {} of domain {} at opset {}; there is one for opsets {} to {}",
       op_type, shown, opset, others.front()->since_opset, others.front()->until_opset);
}

}  // namespace halftone::host
