#include "clip_limits.h"

#include <string>

#include "halftone/target.h"

namespace halftone::passes {
namespace {

bool is_quantized(const sdk::Context &ctx, ht_handle node) {
  ht_node_rule rule{};
  rule.struct_size = sizeof(rule);
  sdk::check(ctx.host.target->node_rule(ctx.raw, node, &rule));
  return rule.quantized != 0;
}

}  // namespace

std::optional<ClipLimits> read_limits(const sdk::Graph &graph, const sdk::Node &clip) {
  ClipLimits limits;
  for (std::size_t slot = 1; slot <= 2; ++slot) {
    if (clip.input(slot) == HT_NONE) continue;
    const auto stored = read_tensor(graph, clip.input(slot));
    if (!stored || stored->data.size() != 1) return std::nullopt;
    (slot == 1 ? limits.low : limits.high) = stored->data.front();
    limits.dtype = stored->dtype;
  }
  return limits;
}

void replace_by_relu(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle clip) {
  const sdk::Node node = graph.node(clip);
  const std::string name(node.name());
  const ht_handle home = node.graph(), input = node.input(0), output = node.output(0);
  edit.remove_node(clip);
  edit.add_node(home, "Relu", name, {&input, 1}, {&output, 1});
}

void scale_limits(const sdk::Graph &graph, const sdk::GraphEdit &edit, const SideConstant &clip,
                  std::span<const double> factors) {
  const sdk::Node node = graph.node(clip.node);
  const ClipLimits limits = *read_limits(graph, node);
  const std::string name(node.name());
  const ht_handle home = node.graph(), output = node.output(0);
  const ht_tensor_info type = graph.value(output).info.type;
  ht_handle value = node.input(0);
  edit.remove_node(clip.node);
  const auto limit = [&](double unscaled, const char *what) {
    StoredTensor constant{limits.dtype, std::vector<std::int64_t>(clip.rank, 1), {}};
    constant.shape[clip.axis] = static_cast<std::int64_t>(clip.classes.size());
    for (const std::uint32_t id : clip.classes) constant.data.push_back(unscaled * factors[id]);
    return add_tensor(edit, home, name + what, constant);
  };
  const auto add = [&](const char *op, std::vector<ht_handle> inputs, bool last) {
    const ht_handle made = last ? output : edit.add_value(home, name + "_above", &type);
    edit.add_node(home, op, name, inputs, {&made, 1});
    value = made;
  };
  if (limits.low && *limits.low == 0) {
    add("Relu", {value}, !limits.high);
  } else if (limits.low) {
    add("Max", {value, limit(*limits.low, "_low")}, !limits.high);
  }
  if (limits.high) add("Min", {value, limit(*limits.high, "_high")}, true);
  if (!limits.low && !limits.high) add("Identity", {value}, true);
}

bool platform_takes_min(const sdk::Context &ctx, const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle clip) {
  ht_str platform{};
  if (ctx.host.target == nullptr || ctx.host.target->platform(ctx.raw, &platform) != HT_OK) return true;
  if (!is_quantized(ctx, clip)) return true;
  // The answer depends on the node: ask for one in place, and take it away again.
  const sdk::Node node = graph.node(clip);
  const ht_handle home = node.graph(), inputs[] = {node.input(0), node.input(0)};
  const ht_handle output = edit.add_value(home, "limit_asked_for");
  const ht_handle min = edit.add_node(home, "Min", "limit_asked_for", inputs, {&output, 1});
  const bool quantized = is_quantized(ctx, min);
  edit.remove_node(min);
  edit.remove_value(output);
  return quantized;
}

}  // namespace halftone::passes
