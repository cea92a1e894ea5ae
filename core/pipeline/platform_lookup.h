// Platforms by name: descriptor files on the plug-in path, and plug-ins that carry a descriptor.
#pragma once

#include <string>
#include <vector>

#include "core/base/setting.h"
#include "core/host/registry.h"
#include "core/pipeline/platform_descriptor.h"

namespace halftone::pipeline {

// `wanted`: choices for the platform's settings, a map or null. Throws InvalidArgument, with the place where the name
// was written, for one that is not known.
PlatformDescriptor find_platform(const host::Registry &registry, const std::string &id, const Location &where,
                                 const Setting &wanted = {});

// Ids of all platforms, sorted.
std::vector<std::string> platform_names(const host::Registry &registry);

// "vendor-int8" or "vendor-int8 (cpu: avx2)".
std::string platform_text(const PlatformDescriptor &platform);

}  // namespace halftone::pipeline
