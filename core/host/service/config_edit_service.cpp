#include <map>

#include "core/host/service/baked.h"
#include "core/host/service/parameter_text.h"
#include "core/host/service/table.h"
#include "core/host/service/tables.h"

namespace halftone::host {

namespace {

ht_status HT_CALL create(ht_ctx *ctx, ht_handle node, std::uint32_t direction, std::uint32_t slot,
                         const ht_quant_spec *spec, std::uint32_t state, ht_handle *config) {
  return serve_edit(ctx, [&] {
    WorkingModel &w = working(ctx);
    const model::Node &at = w.model.node(node);
    const bool is_output = direction == HT_SLOT_OUTPUT;
    if (slot >= (is_output ? at.outputs : at.inputs).size()) {
      fail(Status::kInvalidArgument, "node '{}' ({}) has no {} slot {}", at.name, at.op_type,
           is_output ? "output" : "input", slot);
    }
    *config = w.configs.create({node, is_output, slot}, *spec, static_cast<quant::State>(state));
  });
}

ht_status HT_CALL remove(ht_ctx *ctx, ht_handle config) {
  return serve_edit(ctx, [&] { working(ctx).configs.remove(config); });
}

ht_status HT_CALL set_spec(ht_ctx *ctx, ht_handle config, const ht_quant_spec *spec) {
  return serve_edit(ctx, [&] { working(ctx).configs.set_spec(config, *spec); });
}

ht_status HT_CALL set_state(ht_ctx *ctx, ht_handle config, std::uint32_t state, const ht_str *reason) {
  return serve_edit(ctx, [&] {
    working(ctx).configs.set_state(config, static_cast<quant::State>(state), std::string(text(reason)));
  });
}

ht_status HT_CALL set_scales(ht_ctx *ctx, ht_handle config, const float *scales, const std::int32_t *zero_points,
                             std::uint64_t count, const ht_str *rule) {
  return serve_edit(ctx, [&] {
    working(ctx).configs.set_scales(config, {scales, count}, {zero_points, count},
                                    {ctx->component, std::string(text(rule)), {}});
  });
}

ht_status HT_CALL dominate(ht_ctx *ctx, ht_handle child, ht_handle by, const ht_str *reason) {
  return serve_edit(ctx, [&] {
    quant::ConfigTable &configs = working(ctx).configs;
    configs.dominate(child, by);
    configs.set_reason(child, std::string(text(reason)));
  });
}

ht_status HT_CALL set_master(ht_ctx *ctx, ht_handle config, ht_handle master, const ht_str *reason) {
  return serve_edit(ctx, [&] {
    quant::ConfigTable &configs = working(ctx).configs;
    configs.set_master(config, master);
    configs.set_reason(config, std::string(text(reason)));
  });
}

ht_status HT_CALL release(ht_ctx *ctx, ht_handle config) {
  return serve_edit(ctx, [&] { working(ctx).configs.release(config); });
}

ht_status HT_CALL set_observer(ht_ctx *ctx, ht_handle config, const ht_str *observer, const ht_field *parameters,
                               std::uint64_t count) {
  return serve_edit(ctx, [&] {
    std::map<std::string, std::string> list;
    for (std::uint64_t i = 0; i < count; ++i) {
      list[std::string(text(&parameters[i].name))] = parameter_text(parameters[i].value);
    }
    working(ctx).configs.set_observer(config, std::string(text(observer)), std::move(list));
  });
}

ht_status HT_CALL bake_config(ht_ctx *ctx, ht_handle config) {
  return serve_edit(ctx, [&] { bake(working(ctx), config); });
}

ht_status HT_CALL set_dispatch(ht_ctx *ctx, ht_handle node, std::uint32_t verdict, const ht_str *reason) {
  return serve_edit(ctx, [&] {
    WorkingModel &w = working(ctx);
    (void)w.model.node(node);
    if (verdict > HT_DISPATCH_SHAPE) fail(Status::kInvalidArgument, "unknown dispatch code {}", verdict);
    if (verdict == HT_DISPATCH_OPEN) {
      w.dispatch.erase(node);
    } else {
      w.dispatch[node] = {verdict, std::string(text(reason))};
    }
  });
}

}  // namespace

const ht_config_edit *config_edit_table() {
  static constexpr ht_config_edit kTable = {sizeof(ht_config_edit),
                                            0,
                                            &create,
                                            &remove,
                                            &set_spec,
                                            &set_state,
                                            &set_scales,
                                            &dominate,
                                            &set_master,
                                            &release,
                                            &set_observer,
                                            &bake_config,
                                            &set_dispatch};
  return &kTable;
}

}  // namespace halftone::host
