#include "core/pattern/missing.h"

#include <algorithm>
#include <set>

#include "core/base/nearest.h"
#include "core/model/onnx_io.h"

namespace halftone::pattern {
namespace {

std::string full_name(const std::string &domain, const std::string &type) {
  return domain.empty() ? type : domain + "." + type;
}

std::set<std::string> operators_of(const model::Model &model) {
  std::set<std::string> present;
  for (const model::Handle graph : model.graphs()) {
    for (const model::Handle node : model.graph(graph).nodes) {
      present.insert(full_name(model.node(node).domain, model.node(node).op_type));
    }
  }
  return present;
}

}  // namespace

std::vector<std::string> missing_operators(const model::Model &model, const Pattern &pattern) {
  const std::set<std::string> present = operators_of(model);
  const std::vector<std::string> names(present.begin(), present.end());
  std::vector<std::string> missing;
  for (const Operation &operation : pattern.operations) {
    std::string text;
    bool found = operation.types.empty();  // any operator
    for (const OperatorType &type : operation.types) {
      const std::string name = full_name(type.domain, type.type);
      found = found || present.contains(name);
      const bool known = type.domain.empty() && model::is_known_operator("", type.type, model::linked_opset());
      text.append(text.empty() ? "" : " or ").append(name).append(known ? "" : nearest_hint(name, names));
    }
    if (!found && std::ranges::find(missing, text) == missing.end()) missing.push_back(std::move(text));
  }
  return missing;
}

}  // namespace halftone::pattern
