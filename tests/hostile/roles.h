/* A component of another kind than pass, in plain C: the file has its `table`, and says OFFERS(name, kind, role). */
#ifndef HALFTONE_TESTS_HOSTILE_ROLES_H
#define HALFTONE_TESTS_HOSTILE_ROLES_H

#include <halftone/halftone.h>
#include <stddef.h>
#include <string.h>

static ht_status create(const ht_host *host, ht_ctx *ctx, const ht_value *args, uint64_t count, void **instance) {
  (void)host, (void)ctx, (void)args, (void)count;
  *instance = NULL;
  return HT_OK;
}
static void destroy(void *instance) {
  (void)instance;
}

#define OFFERS(name, of_kind, role_id)                                        \
  static const ht_role role = {sizeof(ht_role), 0, role_id, &table};          \
  static const ht_role *const roles[] = {&role};                              \
  static const ht_component component = {.struct_size = sizeof(ht_component), \
                                         .kind = of_kind,                     \
                                         .determinism = HT_DETERMINISM_EXACT, \
                                         .threading = HT_THREADING_FREE,      \
                                         .capabilities = HT_CAP_GRAPH_READ,   \
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

#endif
