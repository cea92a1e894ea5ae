#include "activation_fusion.h"

#include <algorithm>

#include "place.h"
#include "raise_opset.h"

namespace halftone::passes {
namespace {

void replace(const sdk::Graph &graph, const sdk::GraphEdit &edit, const sdk::PatternMatch &match,
             const FusedActivation &fused) {
  const ht_handle x = match.value("x");
  const Gap gap = clear_place(graph, edit, match);
  const ht_handle node = edit.add_node(gap.graph, fused.op_type, gap.name, {&x, 1}, {&gap.output, 1}, fused.domain);
  for (const auto &[name, value] : fused.numbers) edit.set_float(node, name, value);
  for (const auto &[name, text] : fused.texts) edit.set_text(node, name, text);
  if (!fused.domain.empty() && graph.opset(fused.domain) == 0) edit.set_opset(fused.domain, 1);
}

}  // namespace

void fuse_activations(const sdk::Context &ctx, const std::vector<ActivationForm> &forms, bool raise) {
  const sdk::Graph graph(ctx);
  const sdk::GraphEdit edit(ctx);
  std::vector<std::string> texts;
  for (const ActivationForm &form : forms) texts.push_back(form.pattern);
  const auto matches = sdk::Patterns(ctx).find(texts);
  std::size_t fused = 0, left = 0, older = 0;
  std::int64_t needed = 0;
  for (std::size_t i = 0; i < matches.size(); ++i) {
    ctx.poll(i, matches.size());
    const auto activation = forms[matches[i].pattern()].examine(graph, matches[i]);
    if (!activation) {
      ++left;
    } else if (activation->domain.empty() && graph.opset() < activation->since && !raise) {
      ++older;
    } else {
      replace(graph, edit, matches[i], *activation);
      if (activation->domain.empty()) needed = std::max(needed, activation->since);
      ++fused;
    }
  }
  raise_opset(graph, edit, needed);
  ctx.report("fused", std::to_string(fused) + " places");
  if (left > 0) ctx.report("left", std::to_string(left) + " places with other constants");
  if (older > 0) ctx.report("older", std::to_string(older) + " places: the model's opset has no such operator");
}

}  // namespace halftone::passes
