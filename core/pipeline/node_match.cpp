#include "core/pipeline/node_match.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>
#include <vector>

#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/model/every_node.h"

namespace halftone::pipeline {

bool matches(const std::string &op, const std::string &name, const model::Node &node) {
  if (!op.empty() && op != node.op_type) return false;
  return name.empty() || fnmatch(name.c_str(), node.name.c_str(), 0) == 0;
}

void refuse_unmatched(std::string_view what, const std::string &op, const std::string &name, const Location &where,
                      const model::Model &model) {
  std::set<std::string> names;
  for (const model::Handle node : model::every_node(model)) {
    names.insert(op.empty() ? model.node(node).name : model.node(node).op_type);
  }
  const std::vector<std::string> known(names.begin(), names.end());
  if (op.empty()) {
    fail(Status::kInvalidArgument, "{}: this {} matches nothing: no node has a name like '{}'{}", where.text(), what,
         name, nearest_hint(name, known));
  }
  if (std::ranges::find(known, op) != known.end()) {
    fail(Status::kInvalidArgument, "{}: this {} matches nothing: no {} node has a name like '{}'", where.text(), what,
         op, name);
  }
  fail(Status::kInvalidArgument, "{}: this {} matches nothing: no node has the operator '{}'{}; there are: {}",
       where.text(), what, op, nearest_hint(op, known), fmt::join(known, ", "));
}

}  // namespace halftone::pipeline
