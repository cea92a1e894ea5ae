/* Loads, and dies in its first function. */
#include <signal.h>

#include "pass.h"
static ht_component component = PASS("crashes-in-init");
static const ht_component *const list[] = {&component};
static ht_status init(const ht_host *host) {
  (void)host;
  raise(SIGSEGV);
  return HT_OK;
}
const ht_plugin ht_plugin_entry = {.struct_size = sizeof(ht_plugin),
                                   .abi_major = HT_ABI_MAJOR,
                                   .abi_minor = HT_ABI_MINOR,
                                   .needs_host_minor = HT_ABI_MINOR,
                                   .id = "crashes-in-init",
                                   .version = "1.0",
                                   .license = "Apache-2.0",
                                   .build = "",
                                   .components = list,
                                   .component_count = 1,
                                   .init = init};
