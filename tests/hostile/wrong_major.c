/* Built for another major version, whose descriptor may look quite different behind the numbers. */
#include <halftone/plugin.h>

const ht_plugin ht_plugin_entry = {.struct_size = sizeof(ht_plugin), .abi_major = 7, .abi_minor = 2};
