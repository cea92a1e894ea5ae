/* Needs what a later host offers. */
#include "pass.h"
static ht_component component = PASS("needs-newer-host");
static const ht_component *const list[] = {&component};
const ht_plugin ht_plugin_entry = PLUGIN("needs-newer-host", HT_ABI_MINOR, 99, list);
