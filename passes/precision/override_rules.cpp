#include "override_rules.h"

namespace halftone::passes {

std::string override_rule(std::string_view node, std::string_view set) {
  std::string rule = "- match: {node: \"";
  for (const char c : node) {
    // First what patterns give a meaning, then what a quoted text of YAML does.
    if (c == '*' || c == '?' || c == '[' || c == '\\') rule += "\\\\";
    if (c == '"' || c == '\\') rule += '\\';
    rule += c;
  }
  return rule + "\"}\n  set: {" + std::string(set) + "}\n";
}

}  // namespace halftone::passes
