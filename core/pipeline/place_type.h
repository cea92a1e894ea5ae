// The type that a value around a place of a fusion will have, told before configs are made.
#pragma once

#include <string>

#include "core/pipeline/fusion_place.h"
#include "core/pipeline/platform_descriptor.h"

namespace halftone::pipeline {

// By the point of the fusion where it has a type, else by the platform's rule for the operator that reads or makes the
// value; the name of a type, empty for one in float. `name` stands for a value that is there.
std::string type_in_place(const PlatformDescriptor &platform, const model::Model &model, const FusionSpec &fusion,
                          const FusionPlace &place, const std::string &name);

}  // namespace halftone::pipeline
