// The host's table as one component sees it: the services that its capabilities open.
#pragma once

#include <cstdint>

#include "core/host/registry.h"
#include "halftone/plugin.h"

namespace halftone::host {

// The table comes first, so that a pointer to it leads back here.
struct PluginHost {
  explicit PluginHost(std::uint64_t allowed, const Component *whose = nullptr);
  PluginHost(const PluginHost &) = delete;
  PluginHost &operator=(const PluginHost &) = delete;

  ht_host table;
  std::uint64_t capabilities;
  const Component *component;  // null while a plug-in is initialised
};

}  // namespace halftone::host
