// A component's parameters as JSON Schema.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "core/host/registry.h"

namespace halftone::pipeline {

// An object of the component's parameters and no others: types, ranges, choices, defaults, docs.
nlohmann::ordered_json parameter_schema(const host::Component &component);

// What YAML writes for a text: any single value.
nlohmann::ordered_json text_schema();
nlohmann::ordered_json size_schema();

// Whether the host sets the parameter, so that a user neither can nor sees it.
bool is_filled_in(const host::Component &component, std::string_view parameter);

}  // namespace halftone::pipeline
