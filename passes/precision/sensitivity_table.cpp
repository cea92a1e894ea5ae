#include "sensitivity_table.h"

#include <charconv>

#include <nlohmann/json.hpp>

#include "halftone/graph_edit.h"

namespace halftone::passes {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char *kKey = HT_NOTE_PREFIX "sensitivity";

// 2 to 16 bits; 0 for anything else.
std::uint32_t bits_in(std::string_view text) {
  std::uint32_t bits = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), bits);
  const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
  return whole && bits >= 2 && bits <= 16 ? bits : 0;
}

}  // namespace

Width width_of(std::string_view text) {
  const std::size_t slash = text.find('/');
  Width width;
  width.weights = bits_in(text.substr(0, slash));
  if (slash != std::string_view::npos) width.activations = bits_in(text.substr(slash + 1));
  if (width.weights == 0 || (slash != std::string_view::npos && width.activations == 0)) {
    std::string message = "`";
    message.append(text).append(
        "` is no candidate: write the bits of weights from 2 to 16, such as \"4\", or of weights and inputs, such as "
        "\"4/8\"");
    throw sdk::Failure(HT_INVALID_ARGUMENT, message);
  }
  return width;
}

std::string text_of(const Width &width) {
  std::string text = std::to_string(width.weights);
  if (width.activations != 0) text.append("/").append(std::to_string(width.activations));
  return text;
}

std::string json_of(const SensitivityTable &table) {
  Json head;
  head["source"] = table.source;
  head["observer"] = table.observer;
  head["samples"] = table.samples;
  std::string text = head.dump();
  text.pop_back();  // the list of operators follows
  text += ", \"operators\": [";
  const char *between = "\n  ";
  for (const Sensitivity &of : table.operators) {
    Json row;
    row["weight"] = of.weight;
    row["nodes"] = of.nodes;
    row["elements"] = of.elements;
    Json candidates = Json::array();
    for (const WidthError &candidate : of.candidates) {
      candidates.push_back({{"weights", candidate.width.weights},
                            {"activations", candidate.width.activations},
                            {"error", candidate.error}});
    }
    row["candidates"] = std::move(candidates);
    text += between + row.dump();
    between = ",\n  ";
  }
  return text + "\n]}\n";
}

void note_sensitivity(const sdk::GraphEdit &edit, const SensitivityTable &table) {
  edit.set_metadata(kKey, json_of(table));
}

SensitivityTable noted_sensitivity(const sdk::Graph &graph) {
  const auto note = graph.metadata(kKey);
  if (!note) {
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "no pass has left a table of sensitivities; put measured-sensitivity in front");
  }
  const Json json = Json::parse(*note, nullptr, false);
  SensitivityTable table;
  try {
    table.source = json.at("source").get<std::string>();
    table.observer = json.at("observer").get<std::string>();
    table.samples = json.at("samples").get<std::uint64_t>();
    for (const Json &row : json.at("operators")) {
      Sensitivity &of = table.operators.emplace_back();
      of.weight = row.at("weight").get<std::string>();
      of.nodes = row.at("nodes").get<std::vector<std::string>>();
      of.elements = row.at("elements").get<std::uint64_t>();
      for (const Json &candidate : row.at("candidates")) {
        of.candidates.push_back(
            {{candidate.at("weights").get<std::uint32_t>(), candidate.at("activations").get<std::uint32_t>()},
             candidate.at("error").get<double>()});
      }
    }
  } catch (const Json::exception &broken) {
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       std::string("the table of sensitivities that a pass has left cannot be read: ") + broken.what());
  }
  return table;
}

}  // namespace halftone::passes
