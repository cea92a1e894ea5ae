/* Service "ht.memory/1": memory that lives as long as the running call. No capability needed. */
#ifndef HALFTONE_MEMORY_H
#define HALFTONE_MEMORY_H

#include "halftone/base.h"

HT_EXTERN_C_BEGIN
#define HT_MEMORY_1 "ht.memory/1"

typedef struct ht_memory {
  uint32_t struct_size;
  uint32_t reserved;
  /* [any] Uninitialised memory of the context's arena, aligned to `alignment` (a power of two up to 4096); freed when
   * the call that `ctx` was given for returns. Null, with the reason recorded, when there is none. */
  void *(HT_CALL *allocate)(ht_ctx *ctx, uint64_t bytes, uint64_t alignment);
} ht_memory;
HT_EXTERN_C_END
#endif
