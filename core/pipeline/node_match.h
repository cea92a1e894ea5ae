// Rules of a pipeline file that name nodes by operator type and by a pattern for their names.
#pragma once

#include <string>
#include <string_view>

#include "core/base/setting.h"
#include "core/model/model.h"

namespace halftone::pipeline {

// `op` is a type and `name` a shell pattern; what is empty matches everything.
bool matches(const std::string &op, const std::string &name, const model::Node &node);

// Throws InvalidArgument with the location of a rule that matches no node, and the nearest name. `what` is what the
// message calls it: "rule".
[[noreturn]] void refuse_unmatched(std::string_view what, const std::string &op, const std::string &name,
                                   const Location &where, const model::Model &model);

}  // namespace halftone::pipeline
