#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include <nlohmann/json.hpp>

#include "float_moves.h"
#include "halftone/artefact.hpp"
#include "halftone/target.hpp"
#include "halftone/trial.hpp"
#include "loss_choice.h"
#include "network_metric.h"
#include "override_rules.h"
#include "trial_losses.h"

namespace halftone::passes {
namespace {

constexpr double kPercent = 100;

// An operator that may go to a wider type.
struct Candidate {
  ht_handle node = HT_NONE;
  std::string name;
  double error = 0;      // that it adds by itself
  std::size_t rung = 0;  // the next type to try
};

std::string digits(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", x);
  return text;
}

// What its inputs are quantized with, whoever does it; its outputs only where nobody reads them.
sdk::Trial trial_of(const sdk::Graph &graph, const sdk::Configs &configs, ht_handle handle) {
  sdk::Trial trial;
  const auto take = [&](std::uint32_t direction, std::uint32_t slot) {
    const ht_handle config = configs.find(handle, direction, slot);
    if (config == HT_NONE) return;
    const ht_config_info info = configs.info(config);
    const ht_handle root = info.state == HT_STATE_OVERLAPPED ? info.root : config;
    // The inside of an operator that was fused, such as what a Relu reads.
    if (root != config && configs.info(root).node == handle) return;
    const auto quantizer = configs.quantizer(root, true);
    if (!quantizer) return;
    sdk::TrialSlot &out = trial.emplace_back();
    out.node = handle;
    out.direction = direction;
    out.slot = slot;
    out.spec = configs.info(root).spec;
    out.spec.granularity = quantizer->granularity;
    out.spec.axis = quantizer->axis;
    out.spec.block_size = quantizer->block_size;
    if (quantizer->dynamic != nullptr) return;
    out.scales.assign(quantizer->scales, quantizer->scales + quantizer->count);
    out.zero_points.assign(quantizer->zero_points, quantizer->zero_points + quantizer->count);
  };
  const sdk::Node node = graph.node(handle);
  for (std::uint32_t slot = 0; slot < node.inputs().size(); ++slot) take(HT_SLOT_INPUT, slot);
  for (std::uint32_t slot = 0; slot < node.outputs().size(); ++slot) {
    const ht_handle value = node.output(slot);
    if (value != HT_NONE && graph.consumers(value).empty()) take(HT_SLOT_OUTPUT, slot);
  }
  return trial;
}

}  // namespace

class TuneToAccuracy final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("tune-to-accuracy")
        .title("gives operators wider types, one at a time, until the network is good enough")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT | HT_CAP_CALIBRATE | HT_CAP_EXECUTE |
                      HT_CAP_FILE_WRITE)
        .after({HT_FACT_CONFIGS, HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED})
        .invalidates({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "Measures the quantized network on the calibration samples. While the target is not met, the operator that "
            "by itself adds most error at the outputs gets the next type of `to`, and the network is measured again. A "
            "step after which it is no better is taken back as a whole, so that the best network so far is always "
            "kept; of equally good ones the one with less noise. It ends when the target is met, the steps are used "
            "up or every operator has been tried; a target that is missed is a warning.\n"
            "\n"
            "In float means inputs, weights and bias; other readers of the same values stay quantized. A width is of "
            "weights, whose ranges are found again. What was chosen is written as the artefact overrides.yaml, for "
            "`overrides:` of a pipeline without this pass; steps.json has each step with its figures. It belongs "
            "behind runtime-calibration and in front of passive-parameter-quantize and parameter-baking.\n"
            "\n"
            "PPQ counterpart: none, its users dispatch the worst operators of an analysis by hand; MQBench: none.");
    d.params
        .choice("metric",
                "what is measured: noise/signal at the outputs, samples whose winner is that of the float network, or "
                "hits, for which the calibration samples need labels",
                "noise", {"noise", "agreement", "top1"})
        .number("target", "for noise the most, for the others the least that is enough; agreement and top1 in percent",
                -1, -1, 1e6)
        .number("within", "top1 only, instead of `target`: points below the float network that are allowed", -1, -1,
                100, "points")
        .integer("steps", "changes that are tried", 20, 1, 1 << 20)
        .texts("to", "the types that an operator gets, one after the other: bits of its weights, or float", {"float"})
        .integer("samples", "calibration samples used; 0: all", 0, 0, 1 << 24, "samples");
  }
  explicit TuneToAccuracy(const sdk::Args &args)
      : metric_(args.text("metric")),
        target_(args.number("target")),
        within_(args.number("within")),
        steps_(static_cast<std::size_t>(args.integer("steps"))),
        samples_(static_cast<std::uint64_t>(args.integer("samples"))) {
    for (const std::string &text : args.texts("to")) rungs_.push_back(text == "float" ? 0 : width_of_rung(text));
    if (rungs_.empty()) throw sdk::Failure(HT_INVALID_ARGUMENT, "`to` names no type");
    if (within_ >= 0 && metric_ != "top1")
      throw sdk::Failure(HT_INVALID_ARGUMENT, "`within` is for `metric: top1`; give `target`");
    if ((target_ >= 0) == (within_ >= 0)) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         metric_ == "top1" ? "give one of `target` and `within`" : "tune-to-accuracy needs a `target`");
    }
  }

  void run(const sdk::Context &ctx) override {
    labels_ = labels(ctx);
    std::vector<Candidate> candidates = find_candidates(ctx);
    NetworkFigures best = measure_network(ctx, labels_, samples_);
    require_metric(best);
    const NetworkFigures first = best;
    const sdk::Graph graph(ctx);
    std::size_t used = 0, kept = 0;
    for (; used < steps_ && !met(best) && !candidates.empty();) {
      const auto worst = std::max_element(candidates.begin(), candidates.end(),
                                          [](const Candidate &a, const Candidate &b) { return a.error < b.error; });
      ConfigMove move(ctx);
      const std::uint32_t bits = rungs_[worst->rung];
      const bool changes = bits == 0 || move.widen_weights(worst->node, bits);
      if (bits == 0) move.to_float(worst->node);
      if (changes) {
        ctx.poll(used++, steps_);
        const NetworkFigures figures = measure_network(ctx, labels_, samples_);
        const bool keep = better(figures, best);
        note(worst->name, bits, figures, keep);
        if (keep) {
          best = figures;
          ++kept;
          chosen_[worst->name] = bits;
          remember(graph, move);
          // In a wider type it adds less; in float nothing.
          if (bits != 0) worst->error = errors_of(ctx, {worst->node}).front();
        } else {
          move.undo();
        }
      }
      if (++worst->rung == rungs_.size() || chosen_in_float(worst->name)) candidates.erase(worst);
    }
    finish(ctx, first, best, {used, kept});
  }

 private:
  static std::uint32_t width_of_rung(const std::string &text) {
    const bool number = !text.empty() && text.size() <= 2 && text.find_first_not_of("0123456789") == std::string::npos;
    const auto bits = number ? static_cast<std::uint32_t>(std::stoul(text)) : 0;
    if (bits >= 2 && bits <= 16) return bits;
    std::string message = "`";
    message.append(text).append("` is no type for `to`: write bits of weights from 2 to 16, or float");
    throw sdk::Failure(HT_INVALID_ARGUMENT, message);
  }

  bool chosen_in_float(const std::string &name) const {
    const auto found = chosen_.find(name);
    return found != chosen_.end() && found->second == 0;
  }

  std::vector<std::int64_t> labels(const sdk::Context &ctx) const {
    if (metric_ != "top1") return {};
    std::vector<std::int64_t> found = sdk::sample_labels(ctx);
    if (!found.empty()) return found;
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "`metric: top1` needs the classes of the calibration samples; give `labels` below "
                       "`calibration`, or take `metric: agreement`");
  }

  void require_metric(const NetworkFigures &figures) const {
    if (metric_ == "noise" || figures.agreement) return;
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "the first output has not one score for each class, so that there is no winner; take `metric: "
                       "noise`");
  }

  double value(const NetworkFigures &figures) const {
    if (metric_ == "noise") return figures.noise;
    return kPercent * (metric_ == "top1" ? *figures.top1 : *figures.agreement);
  }
  double wanted(const NetworkFigures &figures) const {
    return within_ >= 0 ? kPercent * *figures.float_top1 - within_ : target_;
  }
  bool met(const NetworkFigures &figures) const {
    // Shares of samples in percent are not exact.
    return metric_ == "noise" ? value(figures) <= target_ : value(figures) >= wanted(figures) - 1e-9;
  }
  bool better(const NetworkFigures &a, const NetworkFigures &b) const {
    if (metric_ != "noise" && value(a) != value(b)) return value(a) > value(b);
    return a.noise < b.noise;
  }

  // The error at the outputs with these operators quantized one at a time.
  std::vector<double> errors_of(const sdk::Context &ctx, const std::vector<ht_handle> &nodes) const {
    const sdk::Graph graph(ctx);
    const sdk::Configs configs(ctx);
    sdk::TrialRun request;
    for (const ht_handle value : graph.outputs(graph.main())) {
      if (graph.value(value).info.producer != HT_NONE) request.values.push_back(value);
    }
    for (const ht_handle node : nodes) request.trials.push_back(trial_of(graph, configs, node));
    request.limit = samples_;
    TrialLosses losses(nodes.size(), {}, {}, {});
    sdk::run_trials(ctx, request, losses);
    return losses.means();
  }

  std::vector<Candidate> find_candidates(const sdk::Context &ctx) const {
    const sdk::Graph graph(ctx);
    const sdk::Configs configs(ctx);
    const sdk::Target target(ctx);
    std::vector<Candidate> candidates;
    std::vector<ht_handle> nodes;
    const std::vector<ht_handle> all = graph.nodes();
    for (const ht_handle handle : all) {
      // A passive operator computes with whatever its input is quantized as.
      if (target.node_rule(handle).passive != 0 || trial_of(graph, configs, handle).empty()) continue;
      nodes.push_back(handle);
      candidates.push_back({handle, std::string(graph.node(handle).name()), 0, 0});
    }
    if (nodes.empty()) throw sdk::Failure(HT_FAILED_PRECONDITION, "no operator of the model is quantized");
    const std::vector<double> errors = errors_of(ctx, nodes);
    for (std::size_t i = 0; i < errors.size(); ++i) candidates[i].error = errors[i];
    return candidates;
  }

  // For the overrides.
  void remember(const sdk::Graph &graph, const ConfigMove &move) {
    for (const ConfigMove::Slot &slot : move.freed())
      freed_[std::string(graph.node(slot.node).name())].insert({slot.direction, slot.slot});
  }

  void note(const std::string &name, std::uint32_t bits, const NetworkFigures &figures, bool keep) {
    nlohmann::ordered_json step;
    step["operator"] = name;
    step["to"] = bits == 0 ? "float" : std::to_string(bits);
    step["noise"] = figures.noise;
    if (figures.agreement) step["agreement"] = *figures.agreement;
    if (figures.top1) step["top1"] = *figures.top1;
    step["kept"] = keep;
    log_.push_back(std::move(step));
  }

  struct Count {
    std::size_t used, kept;
  };
  void finish(const sdk::Context &ctx, const NetworkFigures &first, const NetworkFigures &best, Count count) const {
    std::string rules;
    for (const auto &[name, bits] : chosen_) {
      rules +=
          override_rule(name, bits == 0 ? "inputs: {state: fp32}" : "weights: {bits: " + std::to_string(bits) + "}");
    }
    for (const auto &[name, slots] : freed_) {
      for (const auto &[direction, slot] : slots) {
        const char *side = direction == HT_SLOT_OUTPUT ? "outputs: {" : "inputs: {";
        if (direction == HT_SLOT_INPUT && chosen_in_float(name)) continue;
        rules += override_rule(name, std::string(side).append(std::to_string(slot)).append(": {state: fp32}}"));
      }
    }
    sdk::write_artefact(ctx, "overrides.yaml", "overrides:" + (rules.empty() ? std::string(" []\n") : "\n" + rules));
    sdk::write_artefact(ctx, "steps.json", log_.dump(2) + "\n");
    const std::string unit = metric_ == "noise" ? "" : " %";
    ctx.report("steps", std::to_string(count.used) + ", " + std::to_string(count.kept) + " kept");
    ctx.report(metric_ == "noise" ? "noise/signal" : metric_,
               digits(value(first)) + unit + " before, " + digits(value(best)) + unit + " after");
    if (met(best)) return;
    ctx.warn("tune-to-accuracy did not reach its target: " + metric_ + " is " + digits(value(best)) + unit + " where " +
             digits(wanted(best)) + unit + " was wanted; the best model found is kept");
  }

  std::string metric_;
  double target_, within_;
  std::size_t steps_;
  std::uint64_t samples_;
  std::vector<std::uint32_t> rungs_;  // bits of weights; 0: float
  std::vector<std::int64_t> labels_;
  std::map<std::string, std::uint32_t> chosen_;                                     // by operator
  std::map<std::string, std::set<std::pair<std::uint32_t, std::uint32_t>>> freed_;  // direction and slot by operator
  nlohmann::ordered_json log_ = nlohmann::ordered_json::array();
};
HALFTONE_PASS(TuneToAccuracy)

}  // namespace halftone::passes
