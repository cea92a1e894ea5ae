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

ht_handle float_node(const QuantizationPoints &points, const sdk::PatternMatch &match) {
  if (points.root_state(points.configs.output(match.root(), 0)) == HT_STATE_FP32) return match.root();
  for (const ht_handle value : match.inner()) {
    if (!may_carry_data(points, value)) continue;
    const ht_handle node = float_end(points, value);
    if (node != HT_NONE) return node;
  }
  return HT_NONE;
}

// The text without comments, on one line.
std::string one_line(std::string_view text) {
  std::string line;
  bool comment = false;
  for (const char c : text) {
    comment = c == '#' || (comment && c != '\n');
    if (comment) continue;
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space) line += c;
    if (space && !line.empty() && line.back() != ' ') line += ' ';
  }
  if (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
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
  for (const sdk::PatternMatch &match : sdk::Patterns(ctx).find(patterns, points.graph.main())) {
    PatternFusion::Count &count = fusion.counts[match.pattern()];
    ++count.found;
    const ht_handle in_float = float_node(points, match);
    if (in_float != HT_NONE) {
      const sdk::Node node = points.graph.node(in_float);
      if (count.in_float.empty()) count.in_float = std::string(node.op_type()) + " '" + std::string(node.name()) + "'";
      continue;
    }
    const ht_handle out = points.configs.output(match.root(), 0);
    const std::string reason = "fused by pattern '" + one_line(patterns[match.pattern()]) + "'";
    for (const ht_handle value : match.inner()) {
      for (const ht_handle end : ends_of(points, value)) points.join(end, out, reason);
    }
    fusion.absorbed.insert(match.nodes().begin() + 1, match.nodes().end());
    ++count.fused;
  }
  return fusion;
}

void report_patterns(const sdk::Context &ctx, std::span<const std::string> patterns, const PatternFusion &fusion) {
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    const PatternFusion::Count &count = fusion.counts[i];
    std::string text = std::to_string(count.found) + (count.found == 1 ? " place" : " places");
    if (count.fused < count.found) {
      text.append(" (").append(std::to_string(count.found - count.fused));
      text.append(" not fused: ").append(count.in_float).append(" is in float)");
    }
    ctx.report("pattern '" + one_line(patterns[i]) + "'", text);
  }
}

}  // namespace halftone::passes
