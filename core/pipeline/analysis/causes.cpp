#include "core/pipeline/analysis/causes.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/core.h>

#include "core/pipeline/analysis/advice.h"

namespace halftone::pipeline {

namespace {

using model::Handle;

// What counts as a cause; docs/analysis.md states these.
constexpr double kOutlier = 4;        // reach of the codes by the bulk of the magnitudes
constexpr double kSaturated = 0.5;    // of the quantizer's error energy
constexpr double kOneSided = 0.6;     // of the codes' reach that the range can use
constexpr double kChannelSpread = 8;  // largest by median channel, where channels do not mix
constexpr double kWeightSpread = 16;  // largest by smallest channel, as 4 of 8 bits
constexpr double kCoarseBias = 1e-3;  // noise/signal
constexpr double kNegligible = 1e-6;  // noise/signal that is no cause of anything

bool is_signed_symmetric(const quant::Config &config) {
  return config.spec.kind == HT_QUANT_INTEGER && config.spec.symmetry == HT_SYMMETRIC && config.spec.is_signed != 0;
}

constexpr const char *kInFloat = "state: fp32";

// The first observer that has not found this range already; where all have, `otherwise`.
std::string another_observer(const quant::Config &config, std::initializer_list<std::string_view> observers,
                             const char *otherwise) {
  const auto next = std::ranges::find(observers, std::string_view(config.observer));
  if (next == observers.end()) return fmt::format("observer: {}", *observers.begin());
  return next + 1 == observers.end() ? otherwise : fmt::format("observer: {}", *(next + 1));
}

// For a range that no observer makes small enough.
const char *finer_type(const quant::Config &config) {
  return config.spec.kind == HT_QUANT_INTEGER && config.spec.bits < 16 ? "bits: 16" : kInFloat;
}

Cause cause_of(const char *kind, const Variable &variable, const Advice &advice, std::string text,
               const std::string &changes) {
  Cause cause;
  cause.kind = kind;
  cause.node = variable.node;
  cause.value = variable.value;
  cause.tensor_error = variable.codes->noise_to_signal;
  cause.text = std::move(text);
  cause.yaml = advice.rules(variable.config, changes);
  return cause;
}

void find_in_variable(const host::WorkingModel &working, const Variable &variable, const Advice &advice,
                      std::vector<Cause> &causes) {
  if (!variable.codes || variable.node.empty() || variable.codes->noise_to_signal < kNegligible) return;
  const CodeFigures &codes = *variable.codes;
  const quant::Config &config = working.configs.get(variable.config);
  const double reach = std::max(std::abs(codes.low), std::abs(codes.high));
  const double outlier = codes.bulk > 0 ? reach / codes.bulk : 1;
  if (outlier >= kOutlier) {
    Cause cause =
        cause_of("range-outlier", variable, advice,
                 fmt::format("the codes reach to {:.4g}, {:.1f} times what 99.9 % of the magnitudes need ({:.4g})",
                             reach, outlier, codes.bulk),
                 another_observer(config, {"percentile", "mse"}, finer_type(config)));
    cause.evidence = {{"reach", reach}, {"bulk", codes.bulk}, {"ratio", outlier}};
    causes.push_back(std::move(cause));
  }
  if (codes.saturated_share >= kSaturated) {
    const double share = static_cast<double>(codes.saturated) / static_cast<double>(variable.floats.count);
    Cause cause =
        cause_of("saturation", variable, advice,
                 fmt::format("{:.4f} % of the values lie beyond the codes and make {:.1f} % of the quantizer's error",
                             100 * share, 100 * codes.saturated_share),
                 another_observer(config, {"minmax"}, kInFloat));
    cause.evidence = {{"saturated", share}, {"share_of_error", codes.saturated_share}};
    causes.push_back(std::move(cause));
  }
  const double largest = std::max(std::abs(variable.floats.minimum), std::abs(variable.floats.maximum));
  const double low = std::min(variable.floats.minimum, 0.0), high = std::max(variable.floats.maximum, 0.0);
  const double used = largest > 0 ? (high - low) / (2 * largest) : 1;
  if (is_signed_symmetric(config) && used <= kOneSided) {
    Cause cause = cause_of(
        "one-sided-range", variable, advice,
        fmt::format("values from {:.4g} to {:.4g} use {:.0f} % of a range centred on zero", low, high, 100 * used),
        "symmetry: asymmetric");
    cause.evidence = {{"minimum", low}, {"maximum", high}, {"used", used}};
    if (codes.codes) cause.evidence.emplace_back("codes", *codes.codes);
    causes.push_back(std::move(cause));
  }
}

// Each channel of the result comes of few channels of the input, so that the others do not make up for it.
bool is_grouped(const model::Node &node) {
  const auto group = node.attributes.find("group");
  const auto *count = group == node.attributes.end() ? nullptr : std::get_if<std::int64_t>(&group->second.data);
  return node.op_type == "Conv" && count != nullptr && *count > 1;
}

void find_channel_spread(const host::WorkingModel &working, const Variable &variable, const Advice &advice,
                         std::vector<Cause> &causes) {
  if (!variable.codes || !variable.channel_spread || *variable.channel_spread < kChannelSpread) return;
  const quant::SlotKey &key = working.configs.get(variable.config).key;
  const model::Node &node = working.model.node(key.node);
  const Handle value = key.is_output ? node.outputs[key.slot] : node.inputs[key.slot];
  for (const model::Use &use : working.model.value(value).consumers) {
    const model::Node &reader = working.model.node(use.node);
    if (use.slot != 0 || !is_grouped(reader) || variable.node.empty()) continue;
    Cause cause =
        cause_of("channel-spread", variable, advice,
                 fmt::format("one scale for channels of which the largest is {:.1f} times the median, read by "
                             "a convolution in groups, which does not mix them",
                             *variable.channel_spread),
                 kInFloat);
    cause.evidence = {{"spread", *variable.channel_spread}};
    cause.beyond = "an equalization pass makes the channels alike and keeps the operator quantized";
    causes.push_back(std::move(cause));
    return;
  }
}

Cause cause_of(const char *kind, const Parameter &parameter, const Advice &advice, std::string text) {
  Cause cause;
  cause.kind = kind;
  cause.node = parameter.node;
  cause.value = parameter.value;
  cause.tensor_error = parameter.noise_to_signal;
  cause.text = std::move(text);
  cause.yaml = advice.rules(parameter.config, kInFloat);
  return cause;
}

void find_in_parameter(const Parameter &parameter, const Advice &advice, std::vector<Cause> &causes) {
  if (parameter.node.empty() || parameter.noise_to_signal < kNegligible) return;
  if (parameter.spread) {
    if (!parameter.per_tensor || *parameter.spread < kWeightSpread) return;
    Cause cause = cause_of(
        "weight-spread", parameter, advice,
        fmt::format("one scale for channels whose magnitudes differ by a factor of {:.1f}", *parameter.spread));
    cause.evidence = {{"spread", *parameter.spread}};
    cause.beyond = "a platform with a scale for each channel, or an equalization pass, keeps the operator quantized";
    causes.push_back(std::move(cause));
    return;
  }
  const bool weighted = parameter.type == "Conv" || parameter.type == "ConvTranspose" || parameter.type == "Gemm";
  if (!weighted || parameter.slot != 2) return;  // what lies beyond the codes of a Clip's limit does no harm
  const bool overflows = parameter.saturated != 0;
  if (!overflows && parameter.noise_to_signal < kCoarseBias) return;
  Cause cause = cause_of(
      overflows ? "bias-overflow" : "coarse-bias", parameter, advice,
      overflows ? fmt::format("{} elements lie beyond {} bits at the scale of input times weight", parameter.saturated,
                              parameter.bits)
                : fmt::format("the step of its scale is coarse: noise/signal {:.2g}", parameter.noise_to_signal));
  cause.evidence = {{"saturated", static_cast<double>(parameter.saturated)},
                    {"noise_to_signal", parameter.noise_to_signal}};
  causes.push_back(std::move(cause));
}

// The largest layerwise error of the operators where a scale acts, by the config that owns the scale.
std::map<Handle, double> errors_by_config(const host::WorkingModel &working, const ErrorAnalysis &errors) {
  std::map<Handle, double> by_node, by_config;
  for (const OperatorError &op : errors.operators) {
    if (op.layerwise) by_node[op.node] = op.layerwise->noise_to_signal;
  }
  for (const Handle config : working.configs.all()) {
    const auto found = by_node.find(working.configs.get(config).key.node);
    if (found == by_node.end() || !working.configs.quantizer(config, true)) continue;
    double &largest = by_config[working.configs.source(config)];
    largest = std::max(largest, found->second);
  }
  return by_config;
}

}  // namespace

std::vector<Cause> find_causes(const host::WorkingModel &working, const ErrorAnalysis &errors,
                               const std::vector<Variable> &variables, const std::vector<Parameter> &parameters) {
  const std::map<Handle, double> by_config = errors_by_config(working, errors);
  const Advice advice(working);
  std::vector<Cause> causes;
  const auto set_error = [&](std::size_t first, Handle config) {
    const auto found = by_config.find(config);
    for (std::size_t i = first; i < causes.size() && found != by_config.end(); ++i) causes[i].error = found->second;
  };
  for (const Variable &variable : variables) {
    const std::size_t first = causes.size();
    find_in_variable(working, variable, advice, causes);
    find_channel_spread(working, variable, advice, causes);
    set_error(first, variable.config);
  }
  for (const Parameter &parameter : parameters) {
    const std::size_t first = causes.size();
    find_in_parameter(parameter, advice, causes);
    set_error(first, working.configs.source(parameter.config));
  }
  std::ranges::stable_sort(causes, [](const Cause &a, const Cause &b) {
    return a.error != b.error ? a.error > b.error : a.tensor_error > b.tensor_error;
  });
  return causes;
}

}  // namespace halftone::pipeline
