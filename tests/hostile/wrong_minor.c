/* Built for another minor version while the major is 0. */
#include "pass.h"
static ht_component component = PASS("wrong-minor");
static const ht_component *const list[] = {&component};
const ht_plugin ht_plugin_entry = PLUGIN("wrong-minor", HT_ABI_MINOR + 1, 0, list);
