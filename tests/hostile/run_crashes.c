/* Dies as from a wild pointer when it runs. */
#include <signal.h>

#include "runs.h"
MISBEHAVES("run-crashes", HOSTILE_EDITS)
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  if (edit_all(host, ctx) != HT_OK) return HT_INTERNAL;
  raise(SIGSEGV);
  return HT_OK;
}
