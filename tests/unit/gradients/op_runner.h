// The kernel and the gradient of one node, called as an executor and a trainer call them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/host/context.h"
#include "core/host/plugin_host.h"
#include "tests/unit/gradients/op_case.h"

namespace halftone::test {

class OpRunner {
 public:
  explicit OpRunner(const OpCase &op);
  ~OpRunner();
  OpRunner(const OpRunner &) = delete;
  OpRunner &operator=(const OpRunner &) = delete;

  // Throws std::runtime_error with what the kernel recorded.
  std::vector<model::Tensor> forward(const std::vector<model::Tensor> &inputs);
  // Data of the slots outside of `kept` is null. `wanted`: the slots whose gradient is asked for. The message of a
  // failure, or nothing.
  std::optional<std::string> backward(const std::vector<model::Tensor> &inputs,
                                      const std::vector<model::Tensor> &outputs,
                                      const std::vector<std::vector<float>> &given, SlotSets kept, std::uint64_t wanted,
                                      std::vector<std::vector<float>> &out);
  const ht_op_gradient &gradient() const { return *gradient_; }

 private:
  std::string failure();
  host::WorkingModel working_;
  host::Context ctx_;
  host::PluginHost host_;
  const ht_op_kernel *kernel_ = nullptr;
  const ht_op_gradient *gradient_ = nullptr;
  void *kernel_state_ = nullptr, *gradient_state_ = nullptr;
};

}  // namespace halftone::test
