// What a component, or a platform, is and takes: as text for a terminal, and as a page in Markdown for the
// documentation.
#pragma once

#include <string>

#include "core/host/registry.h"
#include "core/pipeline/platform_descriptor.h"

namespace halftone::cli {

std::string help_text(const host::Component &component);
std::string help_page(const host::Component &component);

std::string help_text(const pipeline::PlatformDescriptor &platform);
std::string help_page(const pipeline::PlatformDescriptor &platform);

}  // namespace halftone::cli
