// Operators as steps: those of the trainer's own by operator type, all others by their plain kernels and gradients.
#pragma once

#include <memory>
#include <string_view>

#include "halftone/op_kernel.hpp"
#include "step.h"

namespace halftone::trainer {

// A step for the node, without its inputs and outputs. Throws where no kernel knows it.
std::unique_ptr<Step> make_operator(const sdk::Context &ctx, const sdk::Node &node);

// Null where this form of the operator is left to the plain kernel.
using OperatorFactory = std::unique_ptr<Step> (*)(const sdk::Context &ctx, const sdk::OpNode &node);

template <typename T>
std::unique_ptr<Step> make_step(const sdk::Context &ctx, const sdk::OpNode &node) {
  return std::make_unique<T>(ctx, node);
}

struct OperatorEntry {
  OperatorEntry(const char *op_type, OperatorFactory factory);  // for the lifetime of the library
};

}  // namespace halftone::trainer
