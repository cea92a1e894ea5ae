/* Service "ht.progress/1": progress and cancellation in one poll. No capability needed. */
#ifndef HALFTONE_PROGRESS_H
#define HALFTONE_PROGRESS_H

#include "halftone/base.h"

HT_EXTERN_C_BEGIN
#define HT_PROGRESS_1 "ht.progress/1"

typedef struct ht_progress {
  uint32_t struct_size;
  uint32_t reserved;
  /* [any] Tells how far the component is and returns HT_OK, or HT_CANCELLED: then clean up and return that status. To
   * be called at least every second of work. `total` 0 means unknown. */
  ht_status(HT_CALL *poll)(ht_ctx *ctx, uint64_t done, uint64_t total);
} ht_progress;
HT_EXTERN_C_END
#endif
