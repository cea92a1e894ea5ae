/* Offers a pass that cannot run. */
#include "pass.h"
static ht_pass empty_table = {sizeof(ht_pass), 0, 0};
static ht_role empty_role = {sizeof(ht_role), 0, HT_PASS_1, &empty_table};
static const ht_role *const empty_roles[] = {&empty_role};
static ht_component component = {.struct_size = sizeof(ht_component),
                                 .kind = HT_KIND_PASS,
                                 .id = "missing-slot",
                                 .version = "1.0",
                                 .title = "A fixture",
                                 .doc = "",
                                 .roles = empty_roles,
                                 .role_count = 1,
                                 .create = create,
                                 .destroy = destroy};
static const ht_component *const list[] = {&component};
const ht_plugin ht_plugin_entry = PLUGIN("missing-slot", HT_ABI_MINOR, HT_ABI_MINOR, list);
/* The header's own table stays unused here. */
const void *const unused_fixture[] = {roles};
