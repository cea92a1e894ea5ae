// An operator kernel prepared for one node.
#pragma once

#include <memory>
#include <vector>

#include "halftone/executor.hpp"
#include "halftone/op_kernel.h"
#include "tensor.h"

namespace halftone::integer {

class Kernel {
 public:
  // Finds the kernel through "ht.op_kernel/1" and prepares it; throws naming node and operator.
  Kernel(const sdk::Context &ctx, ht_handle node);
  // Infers, allocates and computes all outputs.
  std::vector<Tensor> run(ht_ctx *ctx, std::span<const ht_tensor_view> inputs, std::size_t outputs) const;

 private:
  struct Release {
    const ht_op_kernel *kernel;
    void operator()(void *state) const { kernel->release(state); }
  };
  const ht_op_kernel *kernel_ = nullptr;
  std::unique_ptr<void, Release> state_{nullptr, Release{nullptr}};
};

}  // namespace halftone::integer
