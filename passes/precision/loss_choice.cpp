#include "loss_choice.h"

#include "halftone/graph.hpp"
#include "halftone/trial.hpp"
#include "measured_values.h"

namespace halftone::passes {

LossChoice::LossChoice(const sdk::Args &args) : at_(args.texts("at")) {
  options_.loss = loss_of(args.text("loss"));
  options_.axis = args.integer("axis");
}

void LossChoice::declare(sdk::Params &params) {
  params
      .choice("loss",
              "what is measured: noise/signal, mean squared error, Kullback-Leibler divergence of the classes' "
              "probabilities, hits lost (with labels) or winners changed, cross-entropy gained (with labels)",
              "noise", {"noise", "mse", "kl", "top1", "cross-entropy"})
      .integer("axis", "along which kl finds the classes; negative: counted from the last", -1, -16, 15)
      .texts("at", "names of values at which the error is measured; empty: the results of the model", {});
}

std::vector<ht_handle> LossChoice::values(const sdk::Context &ctx) const {
  std::vector<ht_handle> found = measured_values(ctx, at_);
  if (is_of_classes(options_.loss)) found.resize(1);
  return found;
}

std::set<ht_handle> LossChoice::probabilities(const sdk::Context &ctx, const std::vector<ht_handle> &values) const {
  const sdk::Graph graph(ctx);
  std::set<ht_handle> found;
  for (const ht_handle value : values) {
    if (graph.node(graph.value(value).info.producer).is("Softmax")) found.insert(value);
  }
  return found;
}

std::vector<std::int64_t> LossChoice::labels(const sdk::Context &ctx) const {
  if (!is_of_classes(options_.loss)) return {};
  std::vector<std::int64_t> labels = sdk::sample_labels(ctx);
  if (labels.empty() && options_.loss == Loss::kCrossEntropy) {
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "cross-entropy needs the classes of the calibration samples; give `labels` below `calibration`, "
                       "or take another loss");
  }
  return labels;
}

std::string LossChoice::words(bool labelled) const {
  switch (options_.loss) {
    case Loss::kMse:
      return "mean squared error";
    case Loss::kKl:
      return "Kullback-Leibler divergence";
    case Loss::kTop1:
      return labelled ? "hits lost" : "winners changed";
    case Loss::kCrossEntropy:
      return "cross-entropy gained";
    case Loss::kNoise:
      break;
  }
  return "noise/signal";
}

}  // namespace halftone::passes
