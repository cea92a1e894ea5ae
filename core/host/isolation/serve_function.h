// The host's side of the functions that travel: finds the service, as far as the component may use it, and calls it.
#pragma once

#include <cstdint>

#include "core/host/context.h"
#include "core/host/isolation/wire.h"

namespace halftone::host {

// `number` is of remote_slots.h. Throws InvalidArgument or DataLoss for what no such function takes, PermissionDenied
// for a service that the capabilities do not open.
ht_status serve_function(std::uint32_t number, std::uint64_t capabilities, ht_ctx &ctx, WireReader &reader,
                         WireWriter &answer);

}  // namespace halftone::host
