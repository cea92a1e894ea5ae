#include <algorithm>

#include "candidate_scales.h"
#include "halftone/artefact.hpp"
#include "halftone/graph_edit.h"
#include "loss_choice.h"
#include "trial_losses.h"

namespace halftone::passes {
class MeasuredSensitivity final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("measured-sensitivity")
        .title("measures what each width of each operator's weights costs at the outputs")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT |
                      HT_CAP_CALIBRATE | HT_CAP_EXECUTE | HT_CAP_FILE_WRITE)
        .after({HT_FACT_CONFIGS})
        .provides({kSensitivityKnown})
        .doc(
            "For each operator with a stored weight and each candidate, this operator alone is quantized so, the rest "
            "of the model staying in float, and the error at the outputs is measured on calibration samples. A sample "
            "goes through the model once; for each candidate only what lies behind the operator runs again. The table "
            "goes to mixed-precision, and into the artefact sensitivity.json. It belongs behind passes that change "
            "weights in float, such as equalization, and in front of quantize-fusion.\n"
            "\n"
            "A candidate is the width of the weights, \"4\", or of weights and inputs, \"4/8\". Operators that read "
            "the same weight are one. A width that an override has chosen is no matter of choice, and is measured "
            "alone.\n"
            "\n"
            "PPQ counterpart: none; MQBench: the algorithm `naive` of mix_precision, which reruns the whole network "
            "and needs labels.");
    d.params.texts("candidates", "bits of weights, or bits of weights and inputs, from 2 to 16", {"2", "4", "8"})
        .integer("samples", "calibration samples used; 0: all", 64, 0, 1 << 24, "samples")
        .text("observer",
              "who finds the ranges of weights that get another width than the platform's; empty: the observer of each",
              "mse");
    LossChoice::declare(d.params);
  }
  explicit MeasuredSensitivity(const sdk::Args &args)
      : samples_(static_cast<std::uint64_t>(args.integer("samples"))), observer_(args.text("observer")), loss_(args) {
    for (const std::string &text : args.texts("candidates")) {
      const Width width = width_of(text);
      if (std::find(candidates_.begin(), candidates_.end(), width) == candidates_.end()) candidates_.push_back(width);
    }
    if (candidates_.empty()) throw sdk::Failure(HT_INVALID_ARGUMENT, "`candidates` names no width");
  }

  void run(const sdk::Context &ctx) override {
    const std::vector<WeightedOperator> operators = find_weighted_operators(ctx, "measured-sensitivity");
    if (operators.empty()) {
      throw sdk::Failure(HT_FAILED_PRECONDITION,
                         "no operator of the model has a quantized weight, so that there is no "
                         "width to choose");
    }
    SensitivityTable table;
    table.observer = observer_;
    table.operators = candidate_rows(ctx, operators, candidates_);
    const std::vector<std::int64_t> labels = loss_.labels(ctx);
    table.source = "measured: " + loss_.words(!labels.empty());
    const std::vector<ht_handle> values = loss_.values(ctx);

    sdk::TrialRun request;
    request.values = values;
    request.trials = trials_for(ctx, operators, table);
    request.limit = samples_;
    TrialLosses losses(request.trials.size(), loss_.options(), labels, loss_.probabilities(ctx, values));
    table.samples = sdk::run_trials(ctx, request, losses).samples;
    std::size_t at = 0;
    const std::vector<double> means = losses.means();
    for (Sensitivity &row : table.operators) {
      for (WidthError &candidate : row.candidates) candidate.error = means[at++];
    }
    note_sensitivity(sdk::GraphEdit(ctx), table);
    sdk::write_artefact(ctx, "sensitivity.json", json_of(table));
    ctx.report("measured", std::to_string(operators.size()) + " weights, " + std::to_string(request.trials.size()) +
                               " widths of them, " + std::to_string(table.samples) + " samples");
  }

 private:
  // One for each candidate of each operator, in the order of the table.
  std::vector<sdk::Trial> trials_for(const sdk::Context &ctx, const std::vector<WeightedOperator> &operators,
                                     const SensitivityTable &table) const {
    const Quantizers weights = weight_quantizers(ctx, operators, table.operators, observer_);
    const Quantizers inputs = input_quantizers(ctx, operators, table.operators);
    std::vector<sdk::Trial> trials;
    const auto take = [](sdk::Trial &trial, const Quantizers &from, ht_handle config, std::uint32_t bits) {
      if (const auto found = from.find({config, bits}); found != from.end()) trial.push_back(found->second);
    };
    for (std::size_t i = 0; i < operators.size(); ++i) {
      for (const WidthError &candidate : table.operators[i].candidates) {
        sdk::Trial &trial = trials.emplace_back();
        for (const ht_handle config : operators[i].weight_configs)
          take(trial, weights, config, candidate.width.weights);
        for (const ht_handle config : operators[i].input_configs)
          take(trial, inputs, config, candidate.width.activations);
      }
    }
    return trials;
  }

  std::vector<Width> candidates_;
  std::uint64_t samples_;
  std::string observer_;
  LossChoice loss_;
};
HALFTONE_PASS(MeasuredSensitivity)

}  // namespace halftone::passes
