#include "core/pipeline/target.h"

#include <fmt/core.h>

#include "core/pipeline/sockets.h"
#include "core/pipeline/target_slots.h"
#include "halftone/cost.h"

namespace halftone::pipeline {
namespace {

// A dispatcher's reason to leave the node in float, or empty.
std::string dispatch_reason(const host::WorkingModel &working, model::Handle handle) {
  const auto found = working.dispatch.find(handle);
  if (found == working.dispatch.end() || found->second.verdict == HT_DISPATCH_QUANTIZE) return {};
  if (!found->second.reason.empty()) return found->second.reason;
  return found->second.verdict == HT_DISPATCH_SHAPE ? "it computes shapes or indices"
                                                    : "the dispatcher left it in float";
}

// Why the node stays in float, or empty.
std::string float_reason(const PlatformDescriptor &platform, const ResolvedRule &rule, const model::Model &model,
                         model::Handle handle, const model::Node &node, const DataFlow &flow) {
  if (flow.computes_shapes(handle)) return "it computes shapes, indices or conditions, not data";
  if (rule.float_reason) return *rule.float_reason;
  if (!model.subgraphs(handle).empty()) return "it runs bodies, whose nodes are quantized one by one";
  if (!rule.found) return fmt::format("platform '{}' has no quantized form of {}", platform.id, node.op_type);
  if (!rule.matched) {
    return fmt::format("platform '{}' has no quantized form of {} with these attributes and inputs", platform.id,
                       node.op_type);
  }
  if (node.inputs.empty() || node.inputs[0] == HT_NONE) return "it has no first input";
  // Where's first input is a condition: the first that carries data decides.
  const Socket &socket = socket_of(node);
  std::uint32_t slot = 0;
  while (slot < node.inputs.size() && socket.input(slot) == HT_SLOT_NONE) ++slot;
  const model::Handle data = slot < node.inputs.size() ? node.inputs[slot] : node.inputs[0];
  const ht_dtype type = flow.dtype(data);
  if (type != HT_F32 && type != HT_DTYPE_NONE) {
    const bool floating = type == HT_F16 || type == HT_BF16 || type == HT_F64;
    return fmt::format("its input '{}' is {}, not float32{}", model.value(data).name, model::dtype_name(type),
                       floating ? "; the pass unify-floats brings it there" : "");
  }
  return {};
}

// A node of a place whose result is no data, beside others that compute data: it has no quantized form and needs none.
bool goes_along(const model::Model &model, const FusionPlace &place, model::Handle handle, const DataFlow &flow) {
  return flow.computes_shapes(handle) && !flow.computes_shapes(place.root(model));
}

bool any_quantized(const host::NodeRule &rule) {
  for (const auto *slots : {&rule.inputs, &rule.outputs}) {
    for (const host::SlotRule &slot : *slots) {
      if (slot.role != HT_SLOT_NONE) return true;
    }
  }
  return false;
}

}  // namespace

void Target::node_rule(const host::WorkingModel &working, model::Handle handle, host::NodeRule &out) {
  const model::Model &model = working.model;
  const model::Node &node = model.node(handle);
  out = host::NodeRule{};
  const DataFlow &data = flow(model);
  const FusionPlace *place = fusions_.place_of(model, handle);
  const ResolvedRule rule = rule_of(model, handle, place, data);
  out.reason = place == nullptr ? reason_of(working, handle, rule, data) : place_reason(working, handle, *place, data);
  if (out.reason.empty()) {
    out.passive = rule.passive;
    out.computing = rule.computing;
    resolve_slots(descriptor_, rule, model, node, data, out);
    if (place != nullptr) mark_inner(model, *place, handle, out);
    out.quantized = place != nullptr || any_quantized(out);  // a node inside is part of a quantized operator
    if (!out.quantized) out.reason = "none of its inputs and outputs is quantized";
  }
  if (!out.quantized) {
    host::SlotRule untouched;
    untouched.reason = out.reason;
    out.inputs.assign(node.inputs.size(), untouched);
    out.outputs.assign(node.outputs.size(), untouched);
    out.passive = out.computing = false;
  }
  if (refine_) refine_(working, handle, out);
}

// With what holds inside of a place.
ResolvedRule Target::rule_of(const model::Model &model, model::Handle handle, const FusionPlace *place,
                             const DataFlow &data) const {
  ResolvedRule rule = resolve_rule(descriptor_, model, model.node(handle));
  if (place == nullptr) return rule;
  shape_rule(model, fusions_.spec(*place), *place, handle, rule);
  if (!goes_along(model, *place, handle, data)) return rule;
  rule.inputs.clear();
  rule.outputs.clear();
  rule.all_inputs = rule.all_outputs = SlotScheme{};
  return rule;
}

std::string Target::reason_of(const host::WorkingModel &working, model::Handle handle, const ResolvedRule &rule,
                              const DataFlow &data) const {
  std::string reason = float_reason(descriptor_, rule, working.model, handle, working.model.node(handle), data);
  return reason.empty() ? dispatch_reason(working, handle) : reason;
}

// Why all of a place stays in float, or empty: the device runs it as one operator, or not at all.
std::string Target::place_reason(const host::WorkingModel &working, model::Handle handle, const FusionPlace &place,
                                 const DataFlow &data) const {
  const model::Model &model = working.model;
  if (fusions_.spec(place).observation == OutputScale::kNone)
    return fmt::format("the fusion '{}' says that nothing of it is observed", place.fusion);
  for (const model::Handle other : place.alive(model)) {
    if (goes_along(model, place, other, data)) continue;
    const std::string reason = reason_of(working, other, rule_of(model, other, &place, data), data);
    if (reason.empty()) continue;
    if (other == handle) return reason;
    const model::Node &node = model.node(other);
    return fmt::format("the fusion '{}' makes it one operator with {} '{}', which stays in float: {}", place.fusion,
                       node.op_type, node.name, reason);
  }
  return {};
}

std::uint32_t Target::slot_role(const host::WorkingModel &working, model::Handle handle, bool is_output,
                                std::uint32_t slot) {
  const model::Model &model = working.model;
  const model::Node &node = model.node(handle);
  const auto &slots = is_output ? node.outputs : node.inputs;
  if (slot >= slots.size() || slots[slot] == HT_NONE) return HT_SLOT_NONE;
  const ht_dtype type = flow(model).dtype(slots[slot]);
  const bool floating = type == HT_DTYPE_NONE || type == HT_F32 || type == HT_F64 || type == HT_F16 || type == HT_BF16;
  if (!floating) return HT_SLOT_NONE;
  const Socket &socket = socket_of(node);
  if (is_output) return socket.output(slot);
  const FusionPlace *place = fusions_.place_of(model, handle);
  const SlotOrigin *origin = place == nullptr ? nullptr : origin_at(*place, handle, slot);
  return origin == nullptr ? socket.input(slot) : origin->role;
}

host::NodeCost Target::node_cost(const host::WorkingModel &working, model::Handle handle, std::uint32_t form,
                                 std::uint32_t weight_bits) {
  host::NodeCost out;
  const model::Node &node = working.model.node(handle);
  const std::optional<NodeWork> work = work_of(working.model, node);
  if (!work) return out;
  out.products = work->products;
  out.elements = work->elements;
  bool quantized = form == HT_COST_QUANTIZED;
  if (form == HT_COST_AS_DISPATCHED) {
    host::NodeRule rule;
    node_rule(working, handle, rule);
    quantized = rule.quantized;
  }
  const CostHint hint = quantized ? resolve_rule(descriptor_, working.model, node).cost : descriptor_.cost_in_float;
  out.known = hint.given();
  out.cost = cost_of(hint, *work, weight_bits);
  return out;
}

// Found once for a state of the model: rules are asked for node by node.
const DataFlow &Target::flow(const model::Model &model) {
  if (!flow_ || flow_model_ != &model || flow_revision_ != model.revision()) {
    flow_.emplace(model);
    flow_model_ = &model;
    flow_revision_ = model.revision();
  }
  return *flow_;
}

}  // namespace halftone::pipeline
