/* Ends the process when it runs, and says that all is well. */
#include <unistd.h>

#include "runs.h"
MISBEHAVES("run-exits", HOSTILE_EDITS)
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  if (edit_all(host, ctx) != HT_OK) return HT_INTERNAL;
  _exit(0);
}
