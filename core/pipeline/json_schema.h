// JSON Schema (draft 2020-12) of settings files, from their shapes and from the parameter schemas of what is loaded:
// for editors that complete and check.
#pragma once

#include <string>

#include "core/host/registry.h"

namespace halftone::pipeline {

std::string pipeline_schema(const host::Registry &registry);
std::string preset_schema(const host::Registry &registry);
std::string platform_schema(const host::Registry &registry);

}  // namespace halftone::pipeline
