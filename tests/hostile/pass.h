/* A harmless pass in plain C, which the plug-ins of this folder offer with one thing wrong in each. Everything is
 * modifiable, so that a file says only what it spoils. */
#ifndef HALFTONE_TESTS_HOSTILE_PASS_H
#define HALFTONE_TESTS_HOSTILE_PASS_H

#include <halftone/halftone.h>

static ht_status create(const ht_host *host, ht_ctx *ctx, const ht_value *args, uint64_t count, void **instance) {
  (void)host, (void)ctx, (void)args, (void)count;
  *instance = 0;
  return HT_OK;
}
static void destroy(void *instance) {
  (void)instance;
}
static ht_status run(void *instance, ht_ctx *ctx) {
  (void)instance, (void)ctx;
  return HT_OK;
}

static ht_pass table = {sizeof(ht_pass), 0, run};
static ht_role role = {sizeof(ht_role), 0, HT_PASS_1, &table};
static const ht_role *const roles[] = {&role};

/* A pass with no parameters. PLUGIN puts it into a plug-in whose id is `name` too. */
#define PASS(name)                                                                                                     \
  {                                                                                                                    \
    .struct_size = sizeof(ht_component), .kind = HT_KIND_PASS, .determinism = HT_DETERMINISM_EXACT,                    \
    .threading = HT_THREADING_INSTANCE, .id = name, .version = "1.0", .title = "A fixture", .doc = "", .roles = roles, \
    .role_count = 1, .create = create, .destroy = destroy,                                                             \
  }
#define PLUGIN(name, minor, needs_minor, list)                                                                        \
  {                                                                                                                   \
    .struct_size = sizeof(ht_plugin), .abi_major = HT_ABI_MAJOR, .abi_minor = minor, .needs_host_minor = needs_minor, \
    .id = name, .version = "1.0", .license = "Apache-2.0", .build = "", .components = list,                           \
    .component_count = sizeof(list) / sizeof(list[0]),                                                                \
  }
#define HARMLESS(name)                                    \
  static ht_component component = PASS(name);             \
  static const ht_component *const list[] = {&component}; \
  const ht_plugin ht_plugin_entry = PLUGIN(name, HT_ABI_MINOR, HT_ABI_MINOR, list);

#endif
