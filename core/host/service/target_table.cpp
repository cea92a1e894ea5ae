#include <vector>

#include "core/host/service/parameter_text.h"
#include "core/host/service/table.h"
#include "core/host/service/tables.h"
#include "core/host/service/target_service.h"
#include "halftone/config.h"

namespace halftone::host {

TargetService &target_of(ht_ctx *ctx) {
  if (ctx->target == nullptr) fail(Status::kInvalidArgument, "this run has no platform; name one with `platform:`");
  return *ctx->target;
}

namespace {

ht_value text_value(ht_ctx *ctx, std::span<const ht_str> list) {
  return {HT_VALUE_STR, static_cast<std::uint32_t>(list.size()), keep(ctx, list), {0, 0}};
}

// Observer parameters cross as texts; the observer's schema gives them types when it is used.
ht_slot_rule slot_rule(ht_ctx *ctx, const SlotRule &rule) {
  ht_slot_rule out{};
  out.struct_size = sizeof(out);
  out.role = rule.role;
  out.spec = rule.spec;
  out.observer = kept_text(ctx, rule.observer);
  out.reason = kept_text(ctx, rule.reason);
  std::vector<ht_field> fields;
  for (const auto &[name, value] : rule.observer_parameters) {
    const ht_str s = kept_text(ctx, value);
    fields.push_back({kept_text(ctx, name), text_value(ctx, std::span(&s, 1))});
  }
  out.observer_parameters = keep(ctx, std::span<const ht_field>(fields));
  out.observer_parameter_count = fields.size();
  return out;
}

ht_status HT_CALL platform(ht_ctx *ctx, ht_str *id) {
  return serve(ctx, [&] { *id = kept_text(ctx, target_of(ctx).platform()); });
}

ht_status HT_CALL node_rule(ht_ctx *ctx, ht_handle node, ht_node_rule *rule) {
  return serve(ctx, [&] {
    NodeRule resolved;
    target_of(ctx).node_rule(working(ctx), node, resolved);
    std::vector<ht_slot_rule> inputs, outputs;
    for (const SlotRule &slot : resolved.inputs) inputs.push_back(slot_rule(ctx, slot));
    for (const SlotRule &slot : resolved.outputs) outputs.push_back(slot_rule(ctx, slot));
    ht_node_rule out{};
    out.quantized = resolved.quantized ? 1 : 0;
    out.passive = resolved.passive ? 1 : 0;
    out.computing = resolved.computing ? 1 : 0;
    out.reason = kept_text(ctx, resolved.reason);
    out.inputs = keep(ctx, std::span<const ht_slot_rule>(inputs));
    out.input_count = inputs.size();
    out.outputs = keep(ctx, std::span<const ht_slot_rule>(outputs));
    out.output_count = outputs.size();
    put(rule, out);
  });
}

template <typename T>
ht_value kept_value(ht_ctx *ctx, std::uint32_t kind, T value) {
  return {kind, 1, keep(ctx, std::span<const T>(&value, 1)), {0, 0}};
}

ht_value option_value(ht_ctx *ctx, const Setting &setting) {
  if (const auto *flag = std::get_if<bool>(&setting.value))
    return kept_value<std::int64_t>(ctx, HT_VALUE_FLAG, *flag ? 1 : 0);
  if (const auto *i = std::get_if<std::int64_t>(&setting.value)) return kept_value(ctx, HT_VALUE_I64, *i);
  if (const auto *f = std::get_if<double>(&setting.value)) return kept_value(ctx, HT_VALUE_F64, *f);
  if (const auto *s = std::get_if<std::string>(&setting.value)) {
    const ht_str one = kept_text(ctx, *s);
    return text_value(ctx, std::span(&one, 1));
  }
  if (setting.is_list()) {
    std::vector<ht_str> list;
    for (const Setting &item : setting.list()) list.push_back(kept_text(ctx, item.text));
    return text_value(ctx, list);
  }
  return {};
}

ht_status HT_CALL option(ht_ctx *ctx, const ht_str *name, ht_value *value) {
  return serve(ctx, [&] {
    const Setting *setting = target_of(ctx).option(text(name));
    *value = setting == nullptr ? ht_value{} : option_value(ctx, *setting);
  });
}

ht_status HT_CALL slot_role(ht_ctx *ctx, ht_handle node, std::uint32_t direction, std::uint32_t slot,
                            std::uint32_t *role) {
  return serve(ctx, [&] { *role = target_of(ctx).slot_role(working(ctx), node, direction == HT_SLOT_OUTPUT, slot); });
}

ht_status HT_CALL dispatch(ht_ctx *ctx, ht_handle node, std::uint32_t *verdict, ht_str *reason) {
  return serve(ctx, [&] {
    const WorkingModel &w = working(ctx);
    (void)w.model.node(node);
    const auto found = w.dispatch.find(node);
    *verdict = found == w.dispatch.end() ? HT_DISPATCH_OPEN : found->second.verdict;
    *reason = found == w.dispatch.end() ? ht_str{} : kept_text(ctx, found->second.reason);
  });
}

}  // namespace

const ht_target *target_table() {
  static constexpr ht_target kTable = {sizeof(ht_target), 0, &platform, &node_rule, &option, &slot_role, &dispatch};
  return &kTable;
}

}  // namespace halftone::host
