/* Ends the process by abort() when it runs. */
#include <stdlib.h>

#include "runs.h"
MISBEHAVES("run-aborts", HOSTILE_EDITS)
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  if (edit_all(host, ctx) != HT_OK) return HT_INTERNAL;
  abort();
}
