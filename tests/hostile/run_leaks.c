/* Forgets a mebibyte each time it runs. */
#include <stdlib.h>

#include "runs.h"
MISBEHAVES("run-leaks", HOSTILE_EDITS)
static void *volatile last;
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  (void)host, (void)ctx;
  last = malloc((size_t)1 << 20);
  if (last != NULL) memset(last, 1, (size_t)1 << 20);
  last = NULL;
  return HT_OK;
}
