#include "tests/unit/pattern/found.h"

namespace halftone::pattern::test {
namespace {

std::vector<Match> find_one(const model::Model &model, std::string_view text) {
  const std::vector<Pattern> patterns = {parse(text)};
  return find(model, patterns);
}

std::string node_names(const model::Model &model, const Match &match) {
  std::string text;
  for (const Handle node : match.nodes) text += (text.empty() ? "" : " ") + model.node(node).name;
  return text;
}

std::string value_names(const model::Model &model, const std::vector<Handle> &values) {
  std::string text;
  for (const Handle value : values) text += (text.empty() ? "" : ",") + model.value(value).name;
  return text;
}

}  // namespace

std::string found(const model::Model &model, std::string_view pattern) {
  std::string text;
  for (const Match &match : find_one(model, pattern)) text += (text.empty() ? "" : ", ") + node_names(model, match);
  return text;
}

std::string found_of(const model::Model &model, const std::vector<std::string_view> &patterns, const Accept &accept) {
  std::vector<Pattern> parsed;
  for (const std::string_view text : patterns) parsed.push_back(parse(text));
  std::string text;
  for (const Match &match : find(model, parsed, accept)) {
    text += (text.empty() ? "" : ", ") + std::to_string(match.pattern) + ": " + node_names(model, match);
  }
  return text;
}

std::string bound(const model::Model &model, std::string_view pattern) {
  const std::vector<Match> matches = find_one(model, pattern);
  if (matches.empty()) return "none";
  const Pattern parsed = parse(pattern);
  std::string text;
  for (std::size_t i = 0; i < parsed.names.size(); ++i) {
    text += (text.empty() ? "" : " ") + parsed.names[i] + "=" + value_names(model, matches[0].values[i]);
  }
  return text;
}

std::string inner(const model::Model &model, std::string_view pattern) {
  const std::vector<Match> matches = find_one(model, pattern);
  return matches.empty() ? "none" : value_names(model, matches[0].inner);
}

}  // namespace halftone::pattern::test
