/* Leaves the process in another folder. */
#include <unistd.h>

#include "runs.h"
MISBEHAVES("run-folder", HOSTILE_EDITS)
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  (void)host, (void)ctx;
  return chdir("/") == 0 ? HT_OK : HT_INTERNAL;
}
