/* Leaves a text out. */
#include "pass.h"
static ht_component component = {.struct_size = sizeof(ht_component),
                                 .kind = HT_KIND_PASS,
                                 .id = "null-strings",
                                 .version = "1.0",
                                 .roles = roles,
                                 .role_count = 1,
                                 .create = create,
                                 .destroy = destroy};
static const ht_component *const list[] = {&component};
const ht_plugin ht_plugin_entry = PLUGIN("null-strings", HT_ABI_MINOR, HT_ABI_MINOR, list);
