#include "core/pipeline/dispatch_table.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/model/every_node.h"
#include "core/pipeline/named.h"
#include "core/pipeline/node_match.h"
#include "halftone/pass.h"

namespace halftone::pipeline {

namespace {

void apply_row(const DispatchRow &row, const std::vector<model::Handle> &nodes, host::WorkingModel &working,
               Target &target) {
  std::size_t matched = 0, quantized = 0;
  std::string hindrance;
  for (const model::Handle handle : nodes) {
    const model::Node &node = working.model.node(handle);
    if (!matches(row.op, row.node, node)) continue;
    ++matched;
    working.dispatch[handle] = {row.verdict, "dispatch table at " + row.where.text()};
    if (row.verdict != HT_DISPATCH_QUANTIZE) continue;
    host::NodeRule rule;
    target.node_rule(working, handle, rule);
    quantized += rule.quantized ? 1 : 0;
    if (!rule.quantized && hindrance.empty())
      hindrance = fmt::format("'{}' ({}): {}", node.name, node.op_type, rule.reason);
  }
  if (matched == 0) refuse_unmatched("row", row.op, row.node, row.where, working.model);
  if (row.verdict != HT_DISPATCH_QUANTIZE || quantized > 0) return;
  const std::string which = matched == 1 ? "the one node that this row matches cannot"
                                         : fmt::format("none of the {} nodes that this row matches can", matched);
  fail(Status::kInvalidArgument, "{}: {} be quantized; {}; leave the row out", row.where.text(), which, hindrance);
}

}  // namespace

bool dispatches(const host::Component &pass) {
  const ht_component &d = *pass.description;
  return std::any_of(d.provides, d.provides + d.provide_count,
                     [](const char *fact) { return std::string_view(fact) == HT_FACT_DISPATCHED; });
}

void check_dispatch(const DispatchSpec &dispatch, const std::vector<PlannedStep> &plan) {
  if (!dispatch.given()) return;
  std::vector<const PlannedStep *> steps;
  for (const PlannedStep &step : plan) {
    if (dispatches(*step.component)) steps.push_back(&step);
  }
  const std::string source = dispatch.where.text() + ": ";
  if (steps.empty()) {
    fail(Status::kInvalidArgument,
         "{}no pass of this pipeline decides which nodes are quantized, so that this changes nothing; add "
         "assign-configs",
         source);
  }
  const auto says_itself = [](const PlannedStep *step) {
    const Setting *method = step->settings.is_map() ? given(step->settings, "method") : nullptr;
    return method != nullptr && method->text != "platform";
  };
  if (dispatch.method.empty() || !std::ranges::all_of(steps, says_itself)) return;
  fail(
      Status::kInvalidArgument,
      "{}the pass 'dispatch' of this pipeline names its method itself, so that '{}' changes nothing; leave one of them "
      "out",
      source, dispatch.method);
}

void apply_dispatch_table(const std::vector<DispatchRow> &table, host::WorkingModel &working, Target &target) {
  const std::vector<model::Handle> nodes = model::every_node(working.model);
  target.forget();
  for (const DispatchRow &row : table) apply_row(row, nodes, working, target);
}

}  // namespace halftone::pipeline
