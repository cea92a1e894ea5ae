#include <algorithm>
#include <map>
#include <set>

#include "halftone/artefact.hpp"
#include "halftone/cost.hpp"
#include "halftone/target.hpp"
#include "override_rules.h"
#include "weighted_operators.h"
#include "width_program.h"

namespace halftone::passes {
namespace {

constexpr double kBitsInByte = 8;

// Numbers as people write them.
std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", x);
  return text;
}

// A limit of the user's, as it is or as a share of what the platform's own widths take; 0: none.
struct Limit {
  double most = 0, share = 0;
  std::optional<double> value(double own) const {
    std::optional<double> limit;
    if (most > 0) limit = most;
    if (share > 0) limit = std::min(limit.value_or(share * own), share * own);
    return limit;
  }
  bool given() const { return most > 0 || share > 0; }
};

}  // namespace

class MixedPrecision final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("mixed-precision")
        .title("chooses a width for the weights of each operator, within a budget")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT | HT_CAP_FILE_WRITE)
        .after({HT_FACT_CONFIGS, kSensitivityKnown})
        .doc(
            "Of the candidates in the table of sensitivities one is chosen for each operator, so that the sum of their "
            "errors is least while the bytes of the weights, or what the operators cost on the platform, stay within a "
            "limit; or the least size or latency with a limit for the error. The choice is the optimum of an integer "
            "program, solved by GLPK. It is set at once, in front of quantize-fusion, and written as the artefact "
            "overrides.yaml, which goes below `overrides:` of a pipeline without these passes.\n"
            "\n"
            "Sizes are of packed weights: elements times bits. Latency is the sum of the platform's cost hints; all "
            "candidates must have one. Where inputs get a width too, the operator that makes such a value gives it in "
            "the widest that a reader asks for. Errors of operators add up only nearly: an evaluation tells what the "
            "choice is worth.\n"
            "\n"
            "Source: the integer program of HAWQ-V3 (Yao et al. 2021). PPQ counterpart: none; MQBench: "
            "mix_precision_bitwidth_selection, which logs a choice by size and does not apply it.");
    d.params.number("size", "what the weights may take; 0: no such limit", 0, 0, 1e15, "bytes")
        .number("size_share", "the same, as a share of what they take with the platform's widths", 0, 0, 100)
        .number("latency", "what the operators may cost; 0: no such limit", 0, 0, 1e30, "the platform's unit")
        .number("latency_share", "the same, as a share of what they cost with the platform's widths", 0, 0, 100)
        .number("error", "what the errors may add up to; 0: no such limit", 0, 0, 1e30)
        .choice("least", "what is made as small as the limits allow", "error", {"error", "size", "latency"});
  }
  explicit MixedPrecision(const sdk::Args &args)
      : size_{args.number("size"), args.number("size_share")},
        latency_{args.number("latency"), args.number("latency_share")},
        error_{args.number("error"), 0} {
    const std::string least = args.text("least");
    least_ = least == "size" ? Sum::kSize : least == "latency" ? Sum::kLatency : Sum::kError;
    const bool other = (least_ != Sum::kSize && size_.given()) || (least_ != Sum::kLatency && latency_.given()) ||
                       (least_ != Sum::kError && error_.given());
    if (!other) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         least_ == Sum::kError
                             ? "mixed-precision needs a budget: give `size`, `size_share`, `latency` or "
                               "`latency_share`; or `error` together with `least: size`"
                             : "the least " + least +
                                   " is that of the smallest widths; give a limit for something "
                                   "else, such as `error`");
    }
  }

  void run(const sdk::Context &ctx) override {
    const SensitivityTable table = noted_sensitivity(sdk::Graph(ctx));
    const std::vector<WeightedOperator> operators = find_weighted_operators(ctx, "mixed-precision");
    match(operators, table);
    WidthProgram program = program_for(ctx, operators, table);
    const std::vector<std::size_t> choice = solved(program);
    apply(ctx, operators, table, choice);
    report(ctx, program, table, choice);
  }

 private:
  // The model must be the one that the table is of.
  static void match(const std::vector<WeightedOperator> &operators, const SensitivityTable &table) {
    bool same = operators.size() == table.operators.size();
    for (std::size_t i = 0; same && i < operators.size(); ++i) {
      same = operators[i].weight == table.operators[i].weight && !table.operators[i].candidates.empty();
    }
    if (same) return;
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "the weights of the model are not those of the table of sensitivities; put the pass that makes "
                       "the table directly in front of mixed-precision");
  }

  WidthProgram program_for(const sdk::Context &ctx, const std::vector<WeightedOperator> &operators,
                           const SensitivityTable &table) {
    WidthProgram program;
    program.least = least_;
    double own_latency = 0;
    for (std::size_t i = 0; i < operators.size(); ++i) {
      std::vector<WidthCost> &costs = program.operators.emplace_back();
      for (const WidthError &candidate : table.operators[i].candidates) {
        const double bits = static_cast<double>(operators[i].elements) * candidate.width.weights;
        costs.push_back({candidate.error, bits, latency(ctx, operators[i], candidate.width.weights)});
      }
      own_bits_ += static_cast<double>(operators[i].elements) * operators[i].weight_bits;
      own_latency += latency(ctx, operators[i], operators[i].weight_bits);
    }
    if (const auto bytes = size_.value(own_bits_ / kBitsInByte)) program.bits = *bytes * kBitsInByte;
    program.latency = latency_.value(own_latency);
    program.error = error_.value(0);
    return program;
  }

  bool wants_latency() const { return latency_.given() || least_ == Sum::kLatency; }

  double latency(const sdk::Context &ctx, const WeightedOperator &of, std::uint32_t bits) const {
    if (!wants_latency()) return 0;
    const sdk::Costs costs(ctx);
    double sum = 0;
    for (const ht_handle node : of.nodes) {
      const ht_node_cost cost = costs.node(node, HT_COST_QUANTIZED, bits);
      if (cost.known == 0) {
        throw sdk::Failure(HT_FAILED_PRECONDITION,
                           "the platform gives no cost for the operator, so that latency cannot be limited; give its "
                           "rules `cost` hints (docs/platforms.md), or limit `size`",
                           node);
      }
      sum += cost.cost;
    }
    return sum;
  }

  // What the smallest candidates come to, for a limit that none keeps to.
  static double smallest(const WidthProgram &program, Sum sum) {
    WidthProgram free = program;
    free.least = sum;
    free.error = free.bits = free.latency = std::nullopt;
    return total(free, *solve(free), sum);
  }

  static std::vector<std::size_t> solved(const WidthProgram &program) {
    if (auto choice = solve(program)) return *choice;
    std::string least;
    if (program.bits) least += ", size " + number(smallest(program, Sum::kSize) / kBitsInByte) + " bytes";
    if (program.latency) least += ", latency " + number(smallest(program, Sum::kLatency));
    if (program.error) least += ", error " + number(smallest(program, Sum::kError));
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       "no choice of widths keeps to the budget; the least that the candidates reach is" +
                           least.substr(1) + "; raise the limit, or give measured-sensitivity other `candidates`");
  }

  void apply(const sdk::Context &ctx, const std::vector<WeightedOperator> &operators, const SensitivityTable &table,
             const std::vector<std::size_t> &choice) const {
    const sdk::Graph graph(ctx);
    const sdk::Configs configs(ctx);
    std::string rules;
    std::map<ht_handle, std::uint32_t> widest;  // by value that gets another width
    for (std::size_t i = 0; i < operators.size(); ++i) {
      const Width &width = table.operators[i].candidates[choice[i]].width;
      const bool other = width.weights != operators[i].weight_bits;
      if (other) set_weights(configs, operators[i], width.weights, table.observer);
      for (const ht_handle config : operators[i].input_configs) {
        if (width.activations == 0) break;
        const ht_config_info info = configs.info(config);
        configs.set_spec(config, with_bits(info.spec, width.activations));
        std::uint32_t &most = widest[graph.node(info.node).input(info.slot)];
        most = std::max(most, width.activations);
      }
      for (const ht_handle node : operators[i].nodes)
        rules += rules_for(graph, configs, operators[i], node, {width, other ? table.observer : "", other});
    }
    for (const auto &[value, bits] : widest) rules += widen_producer(ctx, graph, configs, value, bits);
    sdk::write_artefact(ctx, "overrides.yaml", "overrides:" + (rules.empty() ? std::string(" []\n") : "\n" + rules));
  }

  static void set_weights(const sdk::Configs &configs, const WeightedOperator &of, std::uint32_t bits,
                          const std::string &observer) {
    for (const ht_handle config : of.weight_configs) {
      configs.set_spec(config, with_bits(configs.info(config).spec, bits));
      if (!observer.empty()) configs.set_observer(config, observer);
    }
  }

  struct Chosen {
    Width width;
    std::string observer;
    bool weights = false;  // get another width
  };
  static std::string rules_for(const sdk::Graph &graph, const sdk::Configs &configs, const WeightedOperator &of,
                               ht_handle node, const Chosen &chosen) {
    std::string set;
    if (chosen.weights) {
      set = "weights: {bits: " + std::to_string(chosen.width.weights) +
            (chosen.observer.empty() ? "" : ", observer: " + chosen.observer) + "}";
    }
    std::string slots;
    for (const ht_handle config : of.input_configs) {
      const ht_config_info info = configs.info(config);
      if (chosen.width.activations == 0 || info.node != node) continue;
      slots += (slots.empty() ? "" : ", ") + std::to_string(info.slot) +
               ": {bits: " + std::to_string(chosen.width.activations) + "}";
    }
    if (!slots.empty()) set += (set.empty() ? "inputs: {" : ", inputs: {") + slots + "}";
    return set.empty() ? "" : override_rule(graph.node(node).name(), set);
  }

  // A value that is made in more bits than anybody reads would be rounded twice. What takes its scale from its input
  // stays as it is.
  static std::string widen_producer(const sdk::Context &ctx, const sdk::Graph &graph, const sdk::Configs &configs,
                                    ht_handle value, std::uint32_t bits) {
    const ht_handle producer = graph.value(value).info.producer;
    if (producer == HT_NONE || sdk::Target(ctx).node_rule(producer).passive != 0) return {};
    const std::vector<ht_use> uses = graph.consumers(value);
    for (const ht_use &use : uses) {
      const ht_handle reader = configs.input(use.node, use.slot);
      if (reader == HT_NONE || configs.state(reader) != HT_STATE_INITIAL) continue;
      bits = std::max(bits, configs.info(reader).spec.bits);
    }
    const std::span<const ht_handle> outputs = graph.node(producer).outputs();
    const auto slot = static_cast<std::uint32_t>(std::find(outputs.begin(), outputs.end(), value) - outputs.begin());
    const ht_handle config = configs.output(producer, slot);
    if (config == HT_NONE || configs.state(config) != HT_STATE_INITIAL) return {};
    const ht_config_info info = configs.info(config);
    if (info.spec.bits == bits || info.spec.kind != HT_QUANT_INTEGER) return {};
    configs.set_spec(config, with_bits(info.spec, bits));
    return override_rule(graph.node(producer).name(),
                         "outputs: {" + std::to_string(slot) + ": {bits: " + std::to_string(bits) + "}}");
  }

  void report(const sdk::Context &ctx, const WidthProgram &program, const SensitivityTable &table,
              const std::vector<std::size_t> &choice) const {
    std::map<std::string, std::size_t> counts;
    for (std::size_t i = 0; i < choice.size(); ++i) ++counts[text_of(table.operators[i].candidates[choice[i]].width)];
    std::string widths;
    for (const auto &[width, count] : counts)
      widths += (widths.empty() ? "" : ", ") + std::to_string(count) + " of " + width + " bits";
    ctx.report("weights", widths);
    const double bytes = total(program, choice, Sum::kSize) / kBitsInByte;
    ctx.report("size", number(bytes) + " bytes, with the platform's widths " + number(own_bits_ / kBitsInByte));
    if (wants_latency())
      ctx.report("latency", number(total(program, choice, Sum::kLatency)) + " " + sdk::Costs(ctx).unit());
    ctx.report("error", number(total(program, choice, Sum::kError)) + " (" + table.source + ", summed)");
  }

  Limit size_, latency_, error_;
  Sum least_ = Sum::kError;
  double own_bits_ = 0;
};
HALFTONE_PASS(MixedPrecision)

}  // namespace halftone::passes
