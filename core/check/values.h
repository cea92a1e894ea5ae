// Values for a parameter, made from its schema.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/base/setting.h"
#include "halftone/param.h"

namespace halftone::check {

// At the borders of what the schema allows, and some between.
std::vector<Setting> valid_values(const ht_param &param, std::mt19937_64 &draws);
// Just beyond, and of another type.
std::vector<Setting> invalid_values(const ht_param &param);

// As it would be written in a pipeline.
std::string written(const Setting &setting);
// A map of one parameter.
Setting with_value(const std::string &name, const Setting &value);

}  // namespace halftone::check
