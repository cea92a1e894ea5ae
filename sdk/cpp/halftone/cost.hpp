// What nodes cost on the run's platform, over "ht.cost/1". Failures throw.
#pragma once

#include <optional>
#include <string>

#include "halftone/cost.h"
#include "halftone/host.hpp"

namespace halftone::sdk {

class Costs {
 public:
  explicit Costs(const Context &ctx) : ctx_(ctx), api_(ctx.host.find<ht_cost>(HT_COST_1)) {
    if (api_ == nullptr) {
      throw Failure(HT_PERMISSION_DENIED,
                    "the component did not declare HT_CAP_GRAPH_READ, or the host is older than " HT_COST_1);
    }
  }
  // Empty when the platform gives no costs.
  std::string unit() const {
    ht_str text{};
    check(api_->unit(ctx_.raw, &text));
    return std::string(view(text));
  }
  // `weight_bits` 0: the width that the platform gives the weights.
  ht_node_cost node(ht_handle node, std::uint32_t form = HT_COST_AS_DISPATCHED, std::uint32_t weight_bits = 0) const {
    ht_node_cost cost{};
    cost.struct_size = sizeof(cost);
    check(api_->node(ctx_.raw, node, form, weight_bits, &cost));
    return cost;
  }

 private:
  const Context &ctx_;
  const ht_cost *api_;
};

}  // namespace halftone::sdk
