#include "core/cli/match_report.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "core/base/nearest.h"
#include "core/cli/console.h"
#include "core/model/onnx_io.h"
#include "core/pattern/matcher.h"

namespace halftone::cli {
namespace {

std::string type_text(const std::string &domain, const std::string &type) {
  return domain.empty() ? type : domain + "." + type;
}

// "relu (Relu), conv (Conv)", the root first.
std::string nodes_text(const model::Model &model, const pattern::Match &match) {
  std::string text;
  for (const model::Handle handle : match.nodes) {
    const model::Node &node = model.node(handle);
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", node.name, type_text(node.domain, node.op_type));
  }
  return text;
}

// "x = input, w = conv.weight"
std::string names_text(const model::Model &model, const pattern::Pattern &pattern, const pattern::Match &match) {
  std::string text;
  for (std::size_t i = 0; i < pattern.names.size(); ++i) {
    text += fmt::format("{}{} =", text.empty() ? "" : ", ", pattern.names[i]);
    for (const model::Handle value : match.values[i]) text += " " + model.value(value).name;
    if (match.values[i].empty()) text += " (none)";
  }
  return text;
}

// A pattern that occurs nowhere may have a misspelt operator: names those that neither ONNX nor the model knows.
void note_unknown(const model::Model &model, const pattern::Pattern &pattern) {
  std::set<std::string> present;
  for (const model::Handle graph : model.graphs()) {
    for (const model::Handle node : model.graph(graph).nodes) {
      present.insert(type_text(model.node(node).domain, model.node(node).op_type));
    }
  }
  const std::vector<std::string> names(present.begin(), present.end());
  for (const pattern::Operation &operation : pattern.operations) {
    for (const pattern::OperatorType &type : operation.types) {
      const std::string text = type_text(type.domain, type.type);
      if (present.contains(text)) continue;
      const bool known = type.domain.empty() && model::is_known_operator("", type.type, model::linked_opset());
      std::printf("  the model has no %s%s\n", text.c_str(), known ? "" : nearest_hint(text, names).c_str());
    }
  }
}

}  // namespace

void print_matches(const model::Model &model, const std::vector<std::string> &patterns) {
  std::vector<pattern::Pattern> parsed;
  for (const std::string &text : patterns) parsed.push_back(pattern::parse(text));
  const std::vector<pattern::Match> matches = pattern::find(model, parsed);
  for (std::size_t i = 0; i < parsed.size(); ++i) {
    const auto count = std::ranges::count(matches, i, &pattern::Match::pattern);
    std::printf("%s%s\n%td %s\n", i == 0 ? "" : "\n", parsed[i].text.c_str(), count, count == 1 ? "place" : "places");
    if (count == 0) {
      note_unknown(model, parsed[i]);
      continue;
    }
    std::puts("");
    Table table({"nodes", "names"});
    for (const pattern::Match &match : matches) {
      if (match.pattern == i) table.add({nodes_text(model, match), names_text(model, parsed[i], match)});
    }
    std::fputs(table.text().c_str(), stdout);
  }
}

}  // namespace halftone::cli
