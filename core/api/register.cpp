// ht_register() as libhalftone exports it.
#include "core/api/failure.h"
#include "core/host/registry.h"

ht_status HT_CALL ht_register(const ht_plugin *plugin) {
  return halftone::api::guarded([&] {
    halftone::api::require_given(plugin, "plugin");
    halftone::host::announce_plugin(plugin);
  });
}
