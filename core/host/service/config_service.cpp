#include <vector>

#include "core/host/service/table.h"
#include "core/host/service/tables.h"

namespace halftone::host {

namespace {

ht_status HT_CALL all(ht_ctx *ctx, ht_handles *configs) {
  return serve(ctx, [&] {
    const auto list = working(ctx).configs.all();
    *configs = {keep(ctx, std::span<const ht_handle>(list)), list.size()};
  });
}

quant::SlotKey slot_key(ht_handle node, std::uint32_t direction, std::uint32_t slot) {
  if (direction > HT_SLOT_OUTPUT)
    fail(Status::kInvalidArgument, "slot direction {} is neither input nor output", direction);
  return {node, direction == HT_SLOT_OUTPUT, slot};
}

ht_status HT_CALL find(ht_ctx *ctx, ht_handle node, std::uint32_t direction, std::uint32_t slot, ht_handle *config) {
  return serve(ctx, [&] { *config = working(ctx).configs.find(slot_key(node, direction, slot)); });
}

ht_handles of_slots(ht_ctx *ctx, const quant::ConfigTable &configs, ht_handle node, bool outputs, std::size_t count) {
  std::vector<ht_handle> list;
  for (std::size_t i = 0; i < count; ++i) list.push_back(configs.find({node, outputs, static_cast<std::uint32_t>(i)}));
  return {keep(ctx, std::span<const ht_handle>(list)), list.size()};
}

ht_status HT_CALL of_node(ht_ctx *ctx, ht_handle handle, ht_handles *inputs, ht_handles *outputs) {
  return serve(ctx, [&] {
    const WorkingModel &w = working(ctx);
    const model::Node &node = w.model.node(handle);
    *inputs = of_slots(ctx, w.configs, handle, false, node.inputs.size());
    *outputs = of_slots(ctx, w.configs, handle, true, node.outputs.size());
  });
}

void fill(ht_config_info &info, const quant::ConfigTable &configs, ht_handle handle) {
  const quant::Config &config = configs.get(handle);
  // Most configs have a scale of their own, and need no search for it.
  const bool own = config.dominator == HT_NONE && config.master == HT_NONE;
  const quant::Config &source = own ? config : configs.get(configs.source(handle));
  info.state = static_cast<std::uint32_t>(config.state);
  info.node = config.key.node;
  info.direction = config.key.is_output ? HT_SLOT_OUTPUT : HT_SLOT_INPUT;
  info.slot = config.key.slot;
  info.spec = config.spec;
  info.root = config.dominator == HT_NONE ? handle : configs.root(handle);
  info.master = config.master;
  info.observer = text(config.observer);
  info.scale_count = source.scales.size();
  info.scales = source.scales.data();
  info.zero_points = source.zero_points.data();
}

ht_status HT_CALL infos(ht_ctx *ctx, const ht_handle *list, std::uint64_t count, ht_config_info *out) {
  return serve(ctx, [&] {
    const quant::ConfigTable &configs = working(ctx).configs;
    for (std::uint64_t i = 0; i < count; ++i)
      put_filled(element(out, i), [&](ht_config_info &info) { fill(info, configs, list[i]); });
  });
}

ht_status HT_CALL quantizer(ht_ctx *ctx, ht_handle config, std::uint32_t stored, ht_quantizer *out) {
  bool found = false;
  const ht_status status = serve(ctx, [&] {
    const auto q = working(ctx).configs.quantizer(config, stored != 0);
    if (!q) return;
    found = true;
    put(out, *q);
  });
  return status != HT_OK ? status : (found ? HT_OK : HT_NOT_FOUND);
}

}  // namespace

const ht_config_read *config_table() {
  static constexpr ht_config_read kTable = {sizeof(ht_config_read), 0, &all, &find, &of_node, &infos, &quantizer};
  return &kTable;
}

}  // namespace halftone::host
