/* Leaves another rounding mode behind. */
#include <fenv.h>

#include "runs.h"
MISBEHAVES("run-rounding", HOSTILE_EDITS)
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  (void)host, (void)ctx;
  fesetround(FE_UPWARD);
  return HT_OK;
}
