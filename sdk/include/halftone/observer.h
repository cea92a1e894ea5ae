/* Role "ht.observer/1": turns what was seen of a tensor into the range to quantize. */
#ifndef HALFTONE_OBSERVER_H
#define HALFTONE_OBSERVER_H

#include "halftone/quant.h"
#include "halftone/statistics.h"

HT_EXTERN_C_BEGIN
#define HT_OBSERVER_1 "ht.observer/1"

/* The first form: a function of the common statistics. A second form with its own accumulator will follow in slots of
 * its own at the end of this table. */
typedef struct ht_observer {
  uint32_t struct_size;
  uint32_t wants;             /* HT_WANT_* for a per-tensor config */
  uint32_t wants_per_channel; /* HT_WANT_* for a per-channel config; 0: cannot do per-channel */
  uint32_t reserved;
  /* [any] Writes `count` ranges (1, or the number of channels). A range may exclude 0; the host widens it. `rule` takes
   * a short text for provenance such as "percentile 0.9999" (static or of the context's arena). */
  ht_status(HT_CALL *derive)(void *instance, ht_ctx *ctx, const ht_statistics *statistics, const ht_quant_spec *spec,
                             uint64_t count, float *low, float *high, ht_str *rule);
} ht_observer;
HT_EXTERN_C_END
#endif
