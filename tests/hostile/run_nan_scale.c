/* Gives every config that takes one a scale that is no number. */
#include <math.h>

#include "runs.h"
MISBEHAVES("run-nan-scale", HOSTILE_EDITS)
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  const ht_config_read *configs = (const ht_config_read *)host->service(host, HT_CONFIG_1);
  const ht_config_edit *edit = (const ht_config_edit *)host->service(host, HT_CONFIG_EDIT_1);
  ht_handles all = {NULL, 0};
  if (configs->all(ctx, &all) != HT_OK || all.size == 0) return HT_INTERNAL;
  const float scale = NAN;
  const int32_t zero_point = 0;
  const ht_str rule = text("nothing");
  return edit->set_scales(ctx, all.data[0], &scale, &zero_point, 1, &rule);
}
