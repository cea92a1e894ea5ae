#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "candidate_scales.h"
#include "halftone/artefact.hpp"
#include "halftone/graph_edit.h"
#include "halftone/stored_tensor.hpp"
#include "hessian_trace.h"

namespace halftone::passes {
namespace {

// The sum of the squares of what quantizing adds; of a weight that several nodes read, the mean over these.
double squared_error(const sdk::Context &ctx, const WeightedOperator &of, const Quantizers &quantizers,
                     std::uint32_t bits) {
  const sdk::Graph graph(ctx);
  double sum = 0, count = 0;
  for (const ht_handle config : of.weight_configs) {
    const auto found = quantizers.find({config, bits});
    if (found == quantizers.end()) continue;
    const sdk::TrialSlot &slot = found->second;
    const auto stored = graph.initializer(graph.node(slot.node).input(slot.slot));
    if (!stored) continue;
    std::vector<float> after(of.elements);
    ht_tensor_view out = *stored;
    out.data = after.data();
    ht_quantizer quantizer{};
    quantizer.struct_size = sizeof(quantizer);
    quantizer.kind = slot.spec.kind;
    quantizer.rounding = slot.spec.rounding;
    quantizer.granularity = slot.spec.granularity;
    quantizer.quant_min = slot.spec.quant_min;
    quantizer.quant_max = slot.spec.quant_max;
    quantizer.axis = slot.spec.axis;
    quantizer.block_size = slot.spec.block_size;
    quantizer.count = slot.scales.size();
    quantizer.scales = slot.scales.data();
    quantizer.zero_points = slot.zero_points.data();
    sdk::check(ctx.host.arithmetic->fake_quantize(ctx.raw, &quantizer, &*stored, &out));
    const auto *before = static_cast<const float *>(stored->data);
    for (std::size_t i = 0; i < after.size(); ++i) {
      const double error = static_cast<double>(after[i]) - static_cast<double>(before[i]);
      sum += error * error;
    }
    ++count;
  }
  return count == 0 ? 0 : sum / count;
}

// How second derivatives are made one number for each weight.
struct Estimate {
  const char *name, *key, *words;
  std::vector<WeightCurvature> (*find)(const sdk::Context &, const LossCurvature &, const CurvatureRule &);
};
constexpr Estimate kTrace{"trace", "trace", "average Hessian trace", &hessian_traces};
constexpr Estimate kEigenvalue{"eigenvalue", "eigenvalue", "largest Hessian eigenvalue", &hessian_eigenvalues};

}  // namespace

class SecondOrderSensitivity final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("second-order-sensitivity")
        .title("estimates what each width of each operator's weights costs, from second derivatives of the loss")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT |
                      HT_CAP_CALIBRATE | HT_CAP_EXECUTE | HT_CAP_THREADS | HT_CAP_FILE_WRITE)
        .after({HT_FACT_CONFIGS})
        .needs({HT_TRAINING_1})
        .provides({kSensitivityKnown})
        .doc(
            "Near a minimum of the loss, weights that change by d add d * (H d) / 2 to it, H being the matrix of "
            "second "
            "derivatives. Of each weight's own block of H one number is taken: the mean of its diagonal, so that a "
            "width costs `trace / elements * |Q(W) - W|^2 / 2`, or its largest eigenvalue, `eigenvalue * |Q(W) - W|^2 "
            "/ 2`. H is never made: traces are means over random directions of +1 and -1 (Hutchinson), eigenvalues "
            "come from power iteration. Where the float network is compared with itself (kl, mse) traces come from "
            "single gradients, without error but that of chance; else products with H come from differences of "
            "gradients. The table "
            "goes to mixed-precision and into the artefact sensitivity.json, what was found of H into curvature.json. "
            "The cost does not depend on the number of candidates. The pass belongs behind those that change weights "
            "in float, and in front of quantize-fusion.\n"
            "\n"
            "Source: Dong, Yao, Cai, Arfeen, Gholami, Mahoney, Keutzer, HAWQ-V2: Hessian Aware trace-Weighted "
            "Quantization of Neural Networks, 2020; for eigenvalues Dong, Yao, Gholami, Mahoney, Keutzer, HAWQ, 2019.\n"
            "PPQ counterpart: none; MQBench: the algorithms `hawq_trace` and `hawq_eigen` of mix_precision.");
    declare(d.params);
  }
  explicit SecondOrderSensitivity(const sdk::Args &args)
      : estimate_(args.text("estimate") == kTrace.name ? kTrace : kEigenvalue),
        loss_{args.text("loss"), args.integer("axis"), args.texts("at")},
        observer_(args.text("observer")) {
    for (const std::string &text : args.texts("candidates")) {
      const Width width = width_of(text);
      if (width.activations != 0) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "`" + text +
                                                    "` gives inputs a width, and second derivatives are those of "
                                                    "weights; write \"" +
                                                    std::to_string(width.weights) + "\", or take measured-sensitivity");
      }
      if (std::find(candidates_.begin(), candidates_.end(), width) == candidates_.end()) candidates_.push_back(width);
    }
    if (candidates_.empty()) throw sdk::Failure(HT_INVALID_ARGUMENT, "`candidates` names no width");
    choices_.samples = static_cast<std::uint64_t>(args.integer("samples"));
    choices_.batch = static_cast<std::uint64_t>(args.integer("batch"));
    choices_.step = args.number("step");
    rule_.most = static_cast<std::uint64_t>(args.integer("probes"));
    rule_.tolerance = args.number("tolerance");
    rule_.seed = static_cast<std::uint64_t>(args.integer("seed"));
  }

  void run(const sdk::Context &ctx) override {
    const std::vector<WeightedOperator> operators = find_weighted_operators(ctx, "second-order-sensitivity");
    if (operators.empty()) {
      throw sdk::Failure(HT_FAILED_PRECONDITION,
                         "no operator of the model has a quantized weight, so that there is no width to choose");
    }
    const CurvatureLoss loss = curvature_loss(ctx, loss_);
    LossCurvature::Choices choices = choices_;
    choices.by_outputs = loss.kind != HT_LOSS_CROSS_ENTROPY && estimate_.find == kTrace.find;
    const LossCurvature curvature(ctx, loss, weights_of(ctx, operators), choices);
    const std::vector<WeightCurvature> found = estimate_.find(ctx, curvature, rule_);

    SensitivityTable table;
    table.source = std::string("estimated: ") + estimate_.words + ", " + loss.words;
    table.observer = observer_;
    table.samples = curvature.samples();
    table.operators = candidate_rows(ctx, operators, candidates_);
    const std::size_t below_zero = fill(ctx, operators, found, table);
    note_sensitivity(sdk::GraphEdit(ctx), table);
    sdk::write_artefact(ctx, "sensitivity.json", json_of(table));
    sdk::write_artefact(ctx, "curvature.json", curvature_json(table, found));
    report(ctx, table, found, below_zero);
  }

 private:
  static void declare(sdk::Params &params) {
    params
        .texts("candidates",
               "bits of weights from 2 to 16; what inputs of other widths cost, measured-sensitivity says",
               {"2", "4", "8"})
        .choice("estimate", "the mean of the diagonal of H, or its largest eigenvalue", "trace",
                {"trace", "eigenvalue"})
        .choice("loss",
                "whose second derivatives: Kullback-Leibler divergence of the classes' probabilities from those of the "
                "float network, mean squared error of the results, or cross-entropy of the labels; auto: kl where "
                "there are labels or a Softmax makes the first result, else mse",
                "auto", {"auto", "kl", "mse", "cross-entropy"})
        .integer("axis", "along which cross-entropy and kl find the classes; negative: counted from the last", -1, -16,
                 15)
        .texts("at", "names of values of which the loss is taken; empty: the results of the model", {})
        .integer("samples", "calibration samples used; 0: all", 64, 0, 1 << 24, "samples")
        .integer("batch",
                 "samples in memory at a time, of which gradients are taken together; 1 for models whose first "
                 "axis is not that of the samples",
                 32, 1, 1 << 16, "samples")
        .integer("probes", "most random directions, or steps of power iteration", 64, 2, 1 << 20)
        .number("tolerance",
                "ends sooner: where the standard error of the sum of all costs is at most this part of it, or where a "
                "step of power iteration changes an eigenvalue by no more; 0: never",
                0.02, 0, 1)
        .number("step", "by which weights are displaced, as a part of their root mean square", 0.01, 1e-5, 1)
        .integer("seed", "of the directions", 0, 0, (std::int64_t{1} << 62))
        .text("observer",
              "who finds the ranges of weights that get another width than the platform's; empty: the observer of each",
              "mse");
  }

  static std::vector<ht_handle> weights_of(const sdk::Context &ctx, const std::vector<WeightedOperator> &operators) {
    const sdk::Graph graph(ctx);
    const sdk::Configs configs(ctx);
    std::vector<ht_handle> weights;
    for (const WeightedOperator &of : operators) {
      const ht_config_info info = configs.info(of.weight_configs.front());
      weights.push_back(graph.node(info.node).input(info.slot));
    }
    return weights;
  }

  // A number below zero would make errors a gain; it is what is left of a curvature that is nearly none, or the loss is
  // far from a minimum there. It counts as none. Gives how many there were.
  std::size_t fill(const sdk::Context &ctx, const std::vector<WeightedOperator> &operators,
                   const std::vector<WeightCurvature> &found, SensitivityTable &table) const {
    const Quantizers quantizers = weight_quantizers(ctx, operators, table.operators, observer_);
    std::size_t below_zero = 0;
    for (std::size_t i = 0; i < operators.size(); ++i) {
      if (found[i].value < 0) ++below_zero;
      double each = std::max(found[i].value, 0.0) / 2;
      if (estimate_.find == kTrace.find) each /= static_cast<double>(operators[i].elements);
      for (WidthError &candidate : table.operators[i].candidates) {
        candidate.error = each * squared_error(ctx, operators[i], quantizers, candidate.width.weights);
      }
    }
    return below_zero;
  }

  std::string curvature_json(const SensitivityTable &table, const std::vector<WeightCurvature> &found) const {
    nlohmann::ordered_json json;
    json["source"] = table.source;
    json["samples"] = table.samples;
    json["weights"] = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < found.size(); ++i) {
      nlohmann::ordered_json row;
      row["weight"] = table.operators[i].weight;
      row["elements"] = table.operators[i].elements;
      row[estimate_.key] = found[i].value;
      if (estimate_.find == kTrace.find) row["standard_error"] = found[i].standard_error;
      row[estimate_.find == kTrace.find ? "probes" : "steps"] = found[i].probes;
      json["weights"].push_back(std::move(row));
    }
    return json.dump(2) + "\n";
  }

  void report(const sdk::Context &ctx, const SensitivityTable &table, const std::vector<WeightCurvature> &found,
              std::size_t below_zero) const {
    std::uint64_t most = 0;
    for (const WeightCurvature &each : found) most = std::max(most, each.probes);
    ctx.report("estimated", std::to_string(found.size()) + " weights: " + table.source.substr(11) + ", " +
                                std::to_string(most) + (estimate_.find == kTrace.find ? " probes, " : " steps, ") +
                                std::to_string(table.samples) + " samples");
    if (below_zero > 0) ctx.report("taken as 0", std::to_string(below_zero) + " that came out below it");
  }

  std::vector<Width> candidates_;
  const Estimate &estimate_;
  CurvatureLossChoice loss_;
  LossCurvature::Choices choices_;
  CurvatureRule rule_;
  std::string observer_;
};
HALFTONE_PASS(SecondOrderSensitivity)

}  // namespace halftone::passes
