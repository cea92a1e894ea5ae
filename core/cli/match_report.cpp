#include "core/cli/match_report.h"

#include <algorithm>
#include <cstdio>

#include "core/cli/console.h"
#include "core/pattern/matcher.h"
#include "core/pattern/missing.h"

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

}  // namespace

void print_matches(const model::Model &model, const std::vector<std::string> &patterns) {
  std::vector<pattern::Pattern> parsed;
  for (const std::string &text : patterns) parsed.push_back(pattern::parse(text));
  const std::vector<pattern::Match> matches = pattern::find(model, parsed);
  for (std::size_t i = 0; i < parsed.size(); ++i) {
    const auto count = std::ranges::count(matches, i, &pattern::Match::pattern);
    std::printf("%s%s\n%td %s\n", i == 0 ? "" : "\n", parsed[i].text.c_str(), count, count == 1 ? "place" : "places");
    if (count == 0) {
      for (const std::string &missing : pattern::missing_operators(model, parsed[i])) {
        std::printf("  the model has no %s\n", missing.c_str());
      }
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
