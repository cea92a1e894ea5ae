/* A component that says it is smaller than any component ever was. */
#include "pass.h"
static ht_component component = PASS("wrong-size");
static const ht_component *const list[] = {&component};
__attribute__((constructor)) static void shrink(void) {
  component.struct_size = 16;
}
const ht_plugin ht_plugin_entry = PLUGIN("wrong-size", HT_ABI_MINOR, HT_ABI_MINOR, list);
