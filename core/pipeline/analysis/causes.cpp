#include "core/pipeline/analysis/causes.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace halftone::pipeline {

namespace {

// What counts as a cause; docs/analysis.md states these.
constexpr double kOutlier = 4;        // reach of the codes by the bulk of the magnitudes
constexpr double kSaturated = 0.5;    // of the quantizer's error energy
constexpr double kOneSided = 0.6;     // of the codes' reach that the range can use
constexpr double kWeightSpread = 16;  // largest by smallest channel, as 4 of 8 bits
constexpr double kCoarseBias = 1e-3;  // noise/signal
constexpr double kNegligible = 1e-6;  // noise/signal that is no cause of anything

bool is_signed_symmetric(const quant::Config &config) {
  return config.spec.kind == HT_QUANT_INTEGER && config.spec.symmetry == HT_SYMMETRIC && config.spec.is_signed != 0;
}

// The first observer that has not found this range already; where all have, only more bits help.
std::string another_observer(const quant::Config &config, std::initializer_list<std::string_view> observers) {
  const auto next = std::ranges::find(observers, std::string_view(config.observer));
  if (next == observers.end()) return fmt::format("observer: {}", *observers.begin());
  return next + 1 == observers.end() ? "bits: 16" : fmt::format("observer: {}", *(next + 1));
}

Cause cause_of(const char *kind, const Variable &variable, std::string text, const std::string &changes) {
  Cause cause;
  cause.kind = kind;
  cause.node = variable.node;
  cause.value = variable.value;
  cause.severity = variable.codes->noise_to_signal;
  cause.text = std::move(text);
  cause.yaml = override_yaml(variable.node, variable.is_output, changes);
  return cause;
}

void find_in_variable(const host::WorkingModel &working, const Variable &variable, std::vector<Cause> &causes) {
  if (!variable.codes || variable.node.empty() || variable.codes->noise_to_signal < kNegligible) return;
  const CodeFigures &codes = *variable.codes;
  const quant::Config &config = working.configs.get(variable.config);
  const double reach = std::max(std::abs(codes.low), std::abs(codes.high));
  const double outlier = codes.bulk > 0 ? reach / codes.bulk : 1;
  if (outlier >= kOutlier) {
    Cause cause =
        cause_of("range-outlier", variable,
                 fmt::format("the codes reach to {:.4g}, {:.1f} times what 99.9 % of the magnitudes need ({:.4g})",
                             reach, outlier, codes.bulk),
                 another_observer(config, {"percentile", "mse"}));
    cause.evidence = {{"reach", reach}, {"bulk", codes.bulk}, {"ratio", outlier}};
    causes.push_back(std::move(cause));
  }
  if (codes.saturated_share >= kSaturated) {
    const double share = static_cast<double>(codes.saturated) / static_cast<double>(variable.floats.count);
    Cause cause =
        cause_of("saturation", variable,
                 fmt::format("{:.4f} % of the values lie beyond the codes and make {:.1f} % of the quantizer's error",
                             100 * share, 100 * codes.saturated_share),
                 another_observer(config, {"minmax"}));
    cause.evidence = {{"saturated", share}, {"share_of_error", codes.saturated_share}};
    causes.push_back(std::move(cause));
  }
  const double largest = std::max(std::abs(variable.floats.minimum), std::abs(variable.floats.maximum));
  const double low = std::min(variable.floats.minimum, 0.0), high = std::max(variable.floats.maximum, 0.0);
  const double used = largest > 0 ? (high - low) / (2 * largest) : 1;
  if (is_signed_symmetric(config) && used <= kOneSided) {
    Cause cause = cause_of(
        "one-sided-range", variable,
        fmt::format("values from {:.4g} to {:.4g} use {:.0f} % of a range centred on zero", low, high, 100 * used),
        "symmetry: asymmetric");
    cause.evidence = {{"minimum", low}, {"maximum", high}, {"used", used}};
    if (codes.codes) cause.evidence.emplace_back("codes", *codes.codes);
    causes.push_back(std::move(cause));
  }
}

Cause cause_of(const char *kind, const Parameter &parameter, std::string text) {
  Cause cause;
  cause.kind = kind;
  cause.node = parameter.node;
  cause.value = parameter.value;
  cause.severity = parameter.noise_to_signal;
  cause.text = std::move(text);
  cause.yaml = override_yaml(parameter.node, false, "state: fp32");
  return cause;
}

void find_in_parameter(const Parameter &parameter, std::vector<Cause> &causes) {
  if (parameter.node.empty() || parameter.noise_to_signal < kNegligible) return;
  if (parameter.spread) {
    if (!parameter.per_tensor || *parameter.spread < kWeightSpread) return;
    Cause cause = cause_of(
        "weight-spread", parameter,
        fmt::format("one scale for channels whose magnitudes differ by a factor of {:.1f}", *parameter.spread));
    cause.evidence = {{"spread", *parameter.spread}};
    cause.beyond = "a platform with a scale for each channel, or an equalization pass, keeps the operator quantized";
    causes.push_back(std::move(cause));
    return;
  }
  const bool overflows = parameter.saturated != 0;
  if (!overflows && parameter.noise_to_signal < kCoarseBias) return;
  Cause cause = cause_of(
      overflows ? "bias-overflow" : "coarse-bias", parameter,
      overflows ? fmt::format("{} elements lie beyond {} bits at the scale of input times weight", parameter.saturated,
                              parameter.bits)
                : fmt::format("the step of its scale is coarse: noise/signal {:.2g}", parameter.noise_to_signal));
  cause.evidence = {{"saturated", static_cast<double>(parameter.saturated)},
                    {"noise_to_signal", parameter.noise_to_signal}};
  causes.push_back(std::move(cause));
}

}  // namespace

std::string override_yaml(const std::string &node, bool outputs, const std::string &changes) {
  std::string pattern;  // escaped for the glob, then for a quoted text of YAML
  for (const char c : node) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') pattern += "\\\\";
    if (c == '"' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return fmt::format("- match: {{node: \"{}\"}}\n  set: {{{}: {{{}}}}}\n", pattern, outputs ? "outputs" : "inputs",
                     changes);
}

std::vector<Cause> find_causes(const host::WorkingModel &working, const std::vector<Variable> &variables,
                               const std::vector<Parameter> &parameters) {
  std::vector<Cause> causes;
  for (const Variable &variable : variables) find_in_variable(working, variable, causes);
  for (const Parameter &parameter : parameters) find_in_parameter(parameter, causes);
  std::ranges::stable_sort(causes, std::ranges::greater(), &Cause::severity);
  return causes;
}

}  // namespace halftone::pipeline
