/* Offers two passes of one name. */
#include "pass.h"
static ht_component first = PASS("twin"), second = PASS("twin");
static const ht_component *const list[] = {&first, &second};
const ht_plugin ht_plugin_entry = PLUGIN("duplicate-inside", HT_ABI_MINOR, HT_ABI_MINOR, list);
