/* Needs a service and does not declare that it may edit graphs. */
#include "pass.h"
static const char *const needs[] = {HT_GRAPH_EDIT_1};
static ht_component component = {.struct_size = sizeof(ht_component),
                                 .kind = HT_KIND_PASS,
                                 .id = "undeclared-capability",
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
const ht_plugin ht_plugin_entry = PLUGIN("undeclared-capability", HT_ABI_MINOR, HT_ABI_MINOR, list);
