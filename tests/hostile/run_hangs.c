/* Never comes back. */
#include <unistd.h>

#include "runs.h"
MISBEHAVES("run-hangs", HOSTILE_EDITS)
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  if (edit_all(host, ctx) != HT_OK) return HT_INTERNAL;
  for (;;) pause();
}
