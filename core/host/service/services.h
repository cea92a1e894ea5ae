// The services that components can ask for: one table each, in a file of its own in this folder.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace halftone::host {

// The table behind a service id for a component with these capabilities; null when unknown or not allowed.
const void *find_service(std::string_view id, std::uint64_t capabilities);

// All service ids, sorted.
std::vector<std::string_view> service_ids();

}  // namespace halftone::host
