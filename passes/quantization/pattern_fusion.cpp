#include "pattern_fusion.h"

#include <algorithm>

namespace halftone::passes {
namespace {

// Shapes, indices and conditions are never quantized.
bool may_carry_data(const QuantizationPoints &points, ht_handle value) {
  const ht_dtype dtype = points.graph.value(value).info.type.dtype;
  return dtype == HT_DTYPE_NONE || dtype == HT_F32 || dtype == HT_F64 || dtype == HT_F16 || dtype == HT_BF16;
}

// The node whose end of the value is in float; HT_NONE when both ends of it are quantized everywhere.
ht_handle float_end(const QuantizationPoints &points, ht_handle value) {
  if (points.root_state(points.producer_config(value)) == HT_STATE_FP32) return points.graph.value(value).info.producer;
  for (const ht_use &use : points.graph.consumers(value)) {
    if (points.root_state(points.configs.input(use.node, use.slot)) == HT_STATE_FP32) return use.node;
  }
  return HT_NONE;
}

// Outputs of the root that something reads as data: the device's operator has one.
std::vector<std::uint32_t> data_outputs(const QuantizationPoints &points, ht_handle root) {
  const sdk::Node node = points.graph.node(root);
  std::vector<std::uint32_t> slots;
  for (std::uint32_t slot = 0; slot < node.outputs().size(); ++slot) {
    const ht_handle handle = node.output(slot);
    if (handle == HT_NONE || !may_carry_data(points, handle)) continue;
    const sdk::Value value = points.graph.value(handle);
    if (value.is_output() || value.info.consumer_count > 0) slots.push_back(slot);
  }
  return slots;
}

// The node that has no quantized form for `out`, the root's config; HT_NONE when all have one.
ht_handle float_node(const QuantizationPoints &points, const sdk::PatternMatch &match, ht_handle out) {
  if (points.root_state(out) == HT_STATE_FP32) return match.root();
  for (const ht_handle value : match.inner()) {
    if (!may_carry_data(points, value)) continue;
    const ht_handle node = float_end(points, value);
    if (node != HT_NONE) return node;
  }
  return HT_NONE;
}

std::string shown(const QuantizationPoints &points, ht_handle handle) {
  const sdk::Node node = points.graph.node(handle);
  return std::string(node.op_type()) + " '" + std::string(node.name()) + "'";
}

}  // namespace

std::vector<ht_handle> ends_of(const QuantizationPoints &points, ht_handle value) {
  std::vector<ht_handle> ends = {points.producer_config(value)};
  for (const ht_use &use : points.graph.consumers(value)) ends.push_back(points.configs.input(use.node, use.slot));
  return ends;
}

PatternFusion fuse_patterns(const sdk::Context &ctx, const QuantizationPoints &points,
                            std::span<const std::string> patterns) {
  PatternFusion fusion;
  fusion.counts.resize(patterns.size());
  if (patterns.empty()) return fusion;
  const sdk::Patterns service(ctx);
  std::vector<sdk::PatternMatch> matches;
  for (const ht_handle graph : points.graph.graphs()) {
    for (sdk::PatternMatch &match : service.find(patterns, graph)) matches.push_back(std::move(match));
  }
  for (const sdk::PatternMatch &match : matches) {
    PatternFusion::Count &count = fusion.counts[match.pattern()];
    ++count.found;
    const std::vector<std::uint32_t> outputs = data_outputs(points, match.root());
    // Further outputs would lose their quantization: what is inside follows one of them only.
    if (outputs.size() > 1) {
      count.leave(shown(points, match.root()) + " has several outputs");
      continue;
    }
    const ht_handle out = points.configs.output(match.root(), outputs.empty() ? 0 : outputs.front());
    const ht_handle in_float = float_node(points, match, out);
    if (in_float != HT_NONE) {
      count.leave(shown(points, in_float) + " is in float");
      continue;
    }
    const std::string reason = "fused by pattern '" + service.one_line(patterns[match.pattern()]) + "'";
    for (const ht_handle value : match.inner()) {
      for (const ht_handle end : ends_of(points, value)) points.join(end, out, reason);
    }
    fusion.absorbed.insert(match.nodes().begin() + 1, match.nodes().end());
    ++count.fused;
  }
  return fusion;
}

void report_patterns(const sdk::Context &ctx, std::span<const std::string> patterns, const PatternFusion &fusion) {
  const sdk::Patterns service(ctx);
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    const PatternFusion::Count &count = fusion.counts[i];
    std::string text = std::to_string(count.found) + (count.found == 1 ? " place" : " places");
    if (count.fused < count.found) {
      text.append(" (").append(std::to_string(count.found - count.fused));
      text.append(" not fused: ").append(count.hindrance).append(")");
    }
    if (count.found == 0) {
      for (const std::string &missing : service.missing(patterns[i])) text += "; the model has no " + missing;
    }
    ctx.report("pattern '" + service.one_line(patterns[i]) + "'", text);
  }
}

}  // namespace halftone::passes
