#include "core/pipeline/compared_models.h"

#include <algorithm>
#include <vector>

#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/pipeline/batch_axis.h"
#include "core/pipeline/free_batch.h"
#include "core/pipeline/qdq_import.h"

namespace halftone::pipeline {

void prepare_for(host::Mode mode, const std::string &path, host::WorkingModel &working) {
  if (mode == host::Mode::kFloat) return;
  const QdqImport imported = import_qdq(working);
  if (imported.activations + imported.parameters != 0) return;
  if (imported.kept != 0) {
    fail(
        Status::kFailedPrecondition,
        "'{}' has {} QuantizeLinear or DequantizeLinear nodes, but none that mode {} could take its scales from: the "
        "scales are computed, or the codes are read by other operators; leave --mode out, which runs the nodes as they "
        "stand",
        path, imported.kept, mode == host::Mode::kInteger ? "integer" : "simulated");
  }
  fail(Status::kFailedPrecondition,
       "'{}' has no QuantizeLinear and DequantizeLinear nodes that mode {} could take its scales from; quantize the "
       "model first, or leave --mode out",
       path, mode == host::Mode::kInteger ? "integer" : "simulated");
}

namespace {

// Names of the inputs that want data, or of the outputs.
std::vector<std::string> names(const model::Model &m, bool outputs) {
  const model::Graph &graph = m.graph(m.main_graph());
  std::vector<std::string> list;
  for (const model::Handle h : outputs ? graph.outputs : graph.inputs) {
    if (outputs || !m.value(h).initializer) list.push_back(m.value(h).name);
  }
  return list;
}

}  // namespace

void require_same_interface(const std::string &path, const model::Model &subject, const std::string &against,
                            const model::Model &reference) {
  for (const bool outputs : {false, true}) {
    std::vector<std::string> a = names(subject, outputs), b = names(reference, outputs);
    std::vector<std::string> a_sorted = a, b_sorted = b;
    std::ranges::sort(a_sorted);
    std::ranges::sort(b_sorted);
    if (a.size() == b.size() && (a == b || a_sorted != b_sorted)) continue;
    const char *what = outputs ? "outputs" : "inputs";
    fail(Status::kFailedPrecondition,
         "'{}' has the {} {}, '{}' has {}; models that are compared need the same number in the same order", path, what,
         fmt::join(a, ", "), against, fmt::join(b, ", "));
  }
}

std::optional<host::Sequence> renamed(const std::optional<host::Sequence> &sequence, const model::Model &from,
                                      const model::Model &to) {
  if (!sequence) return std::nullopt;
  const auto counterpart = [&](const std::string &name, bool outputs) {
    const std::vector<std::string> a = names(from, outputs), b = names(to, outputs);
    return b.at(static_cast<std::size_t>(std::ranges::find(a, name) - a.begin()));
  };
  host::Sequence out{{}, sequence->axis};
  for (const auto &[output, input] : sequence->feedback)
    out.feedback.push_back({counterpart(output, true), counterpart(input, false)});
  return out;
}

void free_like(const model::Model &subject, const host::Registry &registry, const host::KernelIndex &kernels,
               host::WorkingModel &working) {
  const std::optional<std::int64_t> batch = fixed_batch(working.model);
  if (!batch) (void)free_shapes(registry, kernels, working);
  if (batch && fixed_batch(subject) != batch) (void)free_batch(registry, kernels, working, *batch);
}

}  // namespace halftone::pipeline
