/* Needs a service that no host has. */
#include "pass.h"
static const char *const needs[] = {"ht.telepathy/1"};
static ht_component component = {.struct_size = sizeof(ht_component),
                                 .kind = HT_KIND_PASS,
                                 .id = "unknown-service",
                                 .version = "1.0",
                                 .title = "A fixture",
                                 .doc = "",
                                 .needs = needs,
                                 .need_count = 1,
                                 .roles = roles,
                                 .role_count = 1,
                                 .create = create,
                                 .destroy = destroy};
static const ht_component *const list[] = {&component};
const ht_plugin ht_plugin_entry = PLUGIN("unknown-service", HT_ABI_MINOR, HT_ABI_MINOR, list);
