/* A component of any kind, in plain C: the file has its `table`, and says OFFERS(name, kind, role, capabilities,
 * threading). */
#ifndef HALFTONE_TESTS_HOSTILE_ROLES_H
#define HALFTONE_TESTS_HOSTILE_ROLES_H

#include <halftone/halftone.h>
#include <stddef.h>
#include <string.h>

#define OFFERS(name, of_kind, role_id, allowed, threads)                      \
  static const ht_role role = {sizeof(ht_role), 0, role_id, &table};          \
  static const ht_role *const roles[] = {&role};                              \
  static const ht_component component = {.struct_size = sizeof(ht_component), \
                                         .kind = of_kind,                     \
                                         .determinism = HT_DETERMINISM_EXACT, \
                                         .threading = threads,                \
                                         .capabilities = allowed,             \
                                         .id = name,                          \
                                         .version = "1.0",                    \
                                         .title = "A fixture",                \
                                         .doc = "",                           \
                                         .roles = roles,                      \
                                         .role_count = 1,                     \
                                         .create = create,                    \
                                         .destroy = destroy};                 \
  static const ht_component *const list[] = {&component};                     \
  const ht_plugin ht_plugin_entry = {.struct_size = sizeof(ht_plugin),        \
                                     .abi_major = HT_ABI_MAJOR,               \
                                     .abi_minor = HT_ABI_MINOR,               \
                                     .needs_host_minor = HT_ABI_MINOR,        \
                                     .id = name,                              \
                                     .version = "1.0",                        \
                                     .license = "Apache-2.0",                 \
                                     .build = "",                             \
                                     .components = list,                      \
                                     .component_count = 1};

/* The instance is the host's table, which any kind may need. */
static ht_status create(const ht_host *host, ht_ctx *ctx, const ht_value *args, uint64_t count, void **instance) {
  (void)ctx, (void)args, (void)count;
  *instance = (void *)(uintptr_t)host;
  return HT_OK;
}
static void destroy(void *instance) {
  (void)instance;
}

#endif
