// YAML (and with it JSON) to a tree of settings that knows where each value was written.
#pragma once

#include <filesystem>
#include <string_view>

#include "core/base/setting.h"

namespace halftone::pipeline {

// Unquoted scalars get their type by the core schema of YAML 1.2; quoted and block scalars are text. Anchors, aliases
// and merge keys are resolved. Throws InvalidArgument "name:line:column: ..." for a syntax error, a key that is written
// twice (naming both places), a key that is no scalar, more than one document, or a document that is too deep or too
// large.
Setting parse_yaml(std::string_view text, std::string_view name);

Setting parse_yaml_file(const std::filesystem::path &path);

// Applies one "a.b.0.c=value" to a tree: `value` is YAML, missing maps are made, list entries are named by number. An
// entry that is only a name, such as the pass `minmax`, turns into a map when the path goes on with that name. `source`
// is what messages call the origin: "--set".
void apply_override(Setting &root, std::string_view assignment, std::string_view source);

}  // namespace halftone::pipeline
