/* Built with a later minor version of the SDK, and content with this host: it must load. */
#include "pass.h"
static ht_component component = PASS("newer-minor");
static const ht_component *const list[] = {&component};
const ht_plugin ht_plugin_entry = PLUGIN("newer-minor", HT_ABI_MINOR + 1, 0, list);
