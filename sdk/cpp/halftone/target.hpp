// The run's platform in C++: what it demands of a node, what ONNX says of its slots, what dispatchers decided.
#pragma once

#include <string>
#include <string_view>

#include "halftone/host.hpp"

namespace halftone::sdk {

class Target {
 public:
  explicit Target(const Context &ctx) : ctx_(ctx), api_(ctx.host.target) {
    if (api_ == nullptr) throw Failure(HT_PERMISSION_DENIED, "the component did not declare HT_CAP_GRAPH_READ");
  }
  // The rule's arrays live until the running component returns.
  ht_node_rule node_rule(ht_handle node) const {
    ht_node_rule rule{};
    rule.struct_size = sizeof(rule);
    check(api_->node_rule(ctx_.raw, node, &rule));
    return rule;
  }
  std::uint32_t slot_role(ht_handle node, std::uint32_t direction, std::uint32_t slot) const {
    std::uint32_t role = HT_SLOT_NONE;
    check(api_->slot_role(ctx_.raw, node, direction, slot, &role));
    return role;
  }
  // HT_DISPATCH_OPEN where nobody has decided.
  std::uint32_t dispatch(ht_handle node) const {
    std::uint32_t verdict = HT_DISPATCH_OPEN;
    ht_str reason{};
    check(api_->dispatch(ctx_.raw, node, &verdict, &reason));
    return verdict;
  }

 private:
  const Context &ctx_;
  const ht_target *api_;
};

}  // namespace halftone::sdk
