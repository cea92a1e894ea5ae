/* Leaves another rounding mode behind in the threads that work for it. */
#include <fenv.h>

#include "runs.h"
MISBEHAVES("run-thread-rounding", HOSTILE_EDITS | HT_CAP_THREADS)
static ht_status body(void *user, ht_ctx *ctx, uint32_t worker, uint64_t index) {
  (void)user, (void)ctx, (void)worker, (void)index;
  fesetround(FE_UPWARD);
  return HT_OK;
}
static ht_status misbehave(const ht_host *host, ht_ctx *ctx) {
  const ht_parallel *parallel = (const ht_parallel *)host->service(host, HT_PARALLEL_1);
  return parallel->for_each(ctx, 8, NULL, body, NULL);
}
