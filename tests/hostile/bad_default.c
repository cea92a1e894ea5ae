/* Declares a default that its own range forbids. */
#include "pass.h"
static const int64_t nine = 9, zero = 0, eight = 8;
static const ht_param params[] = {{.struct_size = sizeof(ht_param),
                                   .kind = HT_VALUE_I64,
                                   .name = "bits",
                                   .doc = "Bits",
                                   .deflt = {HT_VALUE_I64, 1, &nine, {0, 0}},
                                   .low = {HT_VALUE_I64, 1, &zero, {0, 0}},
                                   .high = {HT_VALUE_I64, 1, &eight, {0, 0}}}};
static ht_component component = {.struct_size = sizeof(ht_component),
                                 .kind = HT_KIND_PASS,
                                 .id = "bad-default",
                                 .version = "1.0",
                                 .title = "A fixture",
                                 .doc = "",
                                 .params = params,
                                 .param_count = 1,
                                 .roles = roles,
                                 .role_count = 1,
                                 .create = create,
                                 .destroy = destroy};
static const ht_component *const list[] = {&component};
const ht_plugin ht_plugin_entry = PLUGIN("bad-default", HT_ABI_MINOR, HT_ABI_MINOR, list);
