#include "core/host/service/cost_table.h"
#include "core/host/service/table.h"
#include "core/host/service/target_service.h"

namespace halftone::host {
namespace {

ht_status HT_CALL unit(ht_ctx *ctx, ht_str *name) {
  return serve(ctx, [&] {
    const std::string found = target_of(ctx).cost_unit();
    *name = {keep(ctx, std::span<const char>(found.data(), found.size())), found.size()};
  });
}

ht_status HT_CALL node(ht_ctx *ctx, ht_handle handle, std::uint32_t form, std::uint32_t weight_bits,
                       ht_node_cost *cost) {
  return serve(ctx, [&] {
    if (form > HT_COST_FLOAT) fail(Status::kInvalidArgument, "{} is no form of a cost", form);
    const NodeCost found = target_of(ctx).node_cost(working(ctx), handle, form, weight_bits);
    ht_node_cost out{};
    out.known = found.known ? 1 : 0;
    out.cost = found.cost;
    out.products = found.products;
    out.elements = found.elements;
    put(cost, out);
  });
}

}  // namespace

const ht_cost *cost_table() {
  static constexpr ht_cost kTable = {sizeof(ht_cost), 0, &unit, &node};
  return &kTable;
}

}  // namespace halftone::host
