/* Service "ht.parallel/1": independent pieces of work on the threads of the run. Needs HT_CAP_THREADS. */
#ifndef HALFTONE_PARALLEL_H
#define HALFTONE_PARALLEL_H

#include "halftone/plugin.h"

HT_EXTERN_C_BEGIN
#define HT_PARALLEL_1 "ht.parallel/1"

typedef struct ht_parallel_options {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t worker_bytes; /* bytes that each worker will hold, for the memory budget */
} ht_parallel_options;

/* [worker] One piece. What it leaves must depend on `index` alone. `ctx` is the worker's, for "fail" and memory, which
 * lives until the piece ends; it has no model. */
typedef ht_status(HT_CALL *ht_parallel_body)(void *user, ht_ctx *ctx, uint32_t worker, uint64_t index);

typedef struct ht_parallel {
  uint32_t struct_size;
  uint32_t reserved;
  /* [run] How many workers for_each() will have for this many pieces; worker numbers are below it. `options` may be
   * null. */
  ht_status(HT_CALL *workers)(ht_ctx *ctx, uint64_t count, const ht_parallel_options *options, uint32_t *workers);
  /* [run] Calls body for 0 .. count - 1, each once, on all threads of the run. Of several failures the one of the least
   * index is told. Tells progress and ends with HT_CANCELLED when the run was cancelled. */
  ht_status(HT_CALL *for_each)(ht_ctx *ctx, uint64_t count, const ht_parallel_options *options, ht_parallel_body body,
                               void *user);
} ht_parallel;
HT_EXTERN_C_END
#endif
