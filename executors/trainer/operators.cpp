#include "operators.h"

#include <map>

#include "steps/kernel_step.h"

namespace halftone::trainer {
namespace {

std::map<std::string_view, OperatorFactory> &table() {
  static std::map<std::string_view, OperatorFactory> entries;
  return entries;
}

}  // namespace

OperatorEntry::OperatorEntry(const char *op_type, OperatorFactory factory) {
  table()[op_type] = factory;
}

std::unique_ptr<Step> make_operator(const sdk::Context &ctx, const sdk::Node &node) {
  if (node.domain().empty()) {
    if (const auto found = table().find(node.op_type()); found != table().end()) {
      if (auto own = found->second(ctx, sdk::OpNode(ctx, node.handle))) return own;
    }
  }
  return std::make_unique<KernelStep>(ctx, node);
}

}  // namespace halftone::trainer
