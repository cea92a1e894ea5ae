#include "core/pipeline/evaluation_json.h"

#include <nlohmann/json.hpp>

namespace halftone::pipeline {

void add_figures(const Evaluation &evaluation, nlohmann::ordered_json &figures) {
  figures["samples"] = evaluation.samples;
  if (!evaluation.skipped.empty()) figures["skipped"] = evaluation.skipped;
  if (evaluation.reference_top1) figures["float_top1"] = *evaluation.reference_top1;
  if (evaluation.top1) {
    if (evaluation.top1_change_error) figures["top1_change_error"] = *evaluation.top1_change_error;
    figures["top1"] = *evaluation.top1;
    figures["top5"] = *evaluation.top5;
  }
  if (evaluation.agreement) figures["agreement"] = *evaluation.agreement;
  for (const OutputError &output : evaluation.outputs) {
    figures["outputs"].push_back({{"name", output.name},
                                  {"noise_to_signal", output.noise_to_signal},
                                  {"cosine", output.cosine},
                                  {"largest_difference", output.largest}});
  }
}

IntegerCoverage integer_coverage(const host::Session &session, const host::WorkingModel &working) {
  IntegerCoverage out;
  host::Context ctx;
  for (const host::StepTime &step : session.profile(ctx)) {
    if (step.node == HT_NONE) continue;
    const model::Node &node = working.model.node(step.node);
    if (step.how == "float") {
      out.float_nodes.push_back(node.name);
      ++out.float_types[node.op_type];
    } else {
      if (step.how != "shape" && step.how != "bodies") (step.how == "codes" ? out.codes : out.sums) += 1;
      out.codes += step.fused.size();
    }
  }
  return out;
}

void add_figures(const IntegerCoverage &coverage, nlohmann::ordered_json &figures) {
  figures["integer"] = {{"sums", coverage.sums}, {"codes", coverage.codes}, {"float", coverage.float_nodes}};
}

}  // namespace halftone::pipeline
