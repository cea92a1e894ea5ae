#include "core/cli/analysis_details.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace halftone::cli {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const pipeline::Summary &s) {
  return {{"count", s.count},         {"minimum", s.minimum},   {"maximum", s.maximum},   {"mean", s.mean},
          {"deviation", s.deviation}, {"skewness", s.skewness}, {"kurtosis", s.kurtosis}, {"histogram", s.histogram}};
}

// Lines of at most 100 columns.
std::string wrapped(const std::string &text, const std::string &indent) {
  std::string out, line = indent;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (line.size() > indent.size() && line.size() + 1 + word.size() > 100) {
      out += line + "\n";
      line = indent;
    }
    line += (line.size() > indent.size() ? " " : "") + word;
    at = end + 1;
  }
  return out + line + "\n";
}

}  // namespace

void add_variables(const std::vector<pipeline::Variable> &variables, Json &figures) {
  auto &list = figures["variables"] = Json::array();
  for (const pipeline::Variable &v : variables) {
    Json entry = {{"node", v.node},
                  {"type", v.type},
                  {"slot", fmt::format("{}{}", v.is_output ? "out" : "in", v.slot)},
                  {"value", v.value}};
    if (v.codes) {
      entry["low"] = v.codes->low;
      entry["high"] = v.codes->high;
      entry["saturated"] = v.codes->saturated;
      entry["saturated_share_of_error"] = v.codes->saturated_share;
      if (v.codes->codes) entry["codes_used"] = *v.codes->codes;
      entry["bulk_999"] = v.codes->bulk;
      entry["noise_to_signal"] = v.codes->noise_to_signal;
    }
    if (v.channel_spread) entry["channel_spread"] = *v.channel_spread;
    entry["float"] = json_of(v.floats);
    entry["quantized"] = json_of(v.quantized);
    entry["noise"] = json_of(v.noise);
    list.push_back(std::move(entry));
  }
}

void add_parameters(const std::vector<pipeline::Parameter> &parameters, Json &figures) {
  auto &list = figures["parameters"] = Json::array();
  for (const pipeline::Parameter &p : parameters) {
    Json entry = {{"node", p.node},
                  {"type", p.type},
                  {"slot", fmt::format("in{}", p.slot)},
                  {"value", p.value},
                  {"bits", p.bits},
                  {"per_tensor", p.per_tensor},
                  {"minimum", p.minimum},
                  {"maximum", p.maximum},
                  {"deviation", p.deviation},
                  {"absolute_mean", std::abs(p.mean)}};
    if (p.spread) entry["channel_spread"] = *p.spread;
    entry["noise_to_signal"] = p.noise_to_signal;
    entry["saturated"] = p.saturated;
    list.push_back(std::move(entry));
  }
}

void add_causes(const std::vector<pipeline::Cause> &causes, Json &figures) {
  auto &list = figures["causes"] = Json::array();
  for (const pipeline::Cause &cause : causes) {
    Json entry = {{"kind", cause.kind},
                  {"node", cause.node},
                  {"value", cause.value},
                  {"error", cause.error},
                  {"tensor_error", cause.tensor_error},
                  {"text", cause.text},
                  {"evidence", Json::object()}};
    for (const auto &[name, number] : cause.evidence) entry["evidence"][name] = number;
    entry["override"] = cause.yaml;
    if (!cause.beyond.empty()) entry["instead"] = cause.beyond;
    list.push_back(std::move(entry));
  }
}

std::string causes_text(const std::vector<pipeline::Cause> &causes, std::size_t most) {
  if (causes.empty()) return "\nno likely cause stands out\n";
  std::string text = "\nlikely causes, by the layerwise noise/signal of the operator:\n";
  for (std::size_t i = 0; i < causes.size() && i < most; ++i) {
    const pipeline::Cause &cause = causes[i];
    text += wrapped(fmt::format("{}. {:.4f} %, {} at {} ('{}'): {}", i + 1, 100 * cause.error, cause.kind, cause.node,
                                cause.value, cause.text),
                    "  ");
    for (std::size_t at = 0; at < cause.yaml.size();) {
      const std::size_t end = cause.yaml.find('\n', at);
      text += "       " + cause.yaml.substr(at, end - at) + "\n";
      at = end + 1;
    }
    if (!cause.beyond.empty()) text += wrapped("or: " + cause.beyond, "       ");
  }
  if (causes.size() > most) text += fmt::format("  and {} more; --json writes all\n", causes.size() - most);
  return text;
}

}  // namespace halftone::cli
