// What an executor is told of the platform: how integer mode multiplies.
#pragma once

#include <optional>

#include "core/base/setting.h"
#include "core/host/registry.h"
#include "core/pipeline/platform_descriptor.h"

namespace halftone::pipeline {

// Settings to create the executor with: the platform's `integer` where both have it, null otherwise. `platform` may be
// null.
Setting executor_settings(const host::Component &executor, const PlatformDescriptor *platform);

}  // namespace halftone::pipeline
