/* Role "ht.platform/1": a target. Its demands are data, a YAML descriptor (docs/platforms.md); code only where data
 * cannot say it. A platform without code is just a file NAME.platform.yaml on the plug-in path. */
#ifndef HALFTONE_PLATFORM_H
#define HALFTONE_PLATFORM_H

#include "halftone/target.h"

HT_EXTERN_C_BEGIN
#define HT_PLATFORM_1 "ht.platform/1"

typedef struct ht_platform {
  uint32_t struct_size;
  uint32_t reserved;
  const char *descriptor; /* YAML text */
  /* [run] optional: changes the rule that the descriptor gives for a node. `inputs` and `outputs` of the rule may be
   * written in place. */
  ht_status(HT_CALL *refine)(void *instance, ht_ctx *ctx, ht_handle node, ht_node_rule *rule, ht_slot_rule *inputs,
                             ht_slot_rule *outputs);
} ht_platform;
HT_EXTERN_C_END
#endif
