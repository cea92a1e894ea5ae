// The services that components can ask for: one table each, in a file of its own in this folder.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace halftone::host {

// The table behind a service id for a component with these capabilities; null when unknown or not allowed.
const void *find_service(std::string_view id, std::uint64_t capabilities);

// find_service() of this process itself, whatever use_services_of() said.
const void *find_host_service(std::string_view id, std::uint64_t capabilities);

// In a worker process: from now on find_service() finds the services of somebody else.
using ServiceFinder = const void *(*)(std::string_view id, std::uint64_t capabilities);
void use_services_of(ServiceFinder finder);

// All service ids, sorted.
std::vector<std::string_view> service_ids();

}  // namespace halftone::host
