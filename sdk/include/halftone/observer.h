/* Role "ht.observer/1": turns what was seen of a tensor into the range to quantize. */
#ifndef HALFTONE_OBSERVER_H
#define HALFTONE_OBSERVER_H

#include "halftone/quant.h"
#include "halftone/statistics.h"

HT_EXTERN_C_BEGIN
#define HT_OBSERVER_1 "ht.observer/1"

/* ht_observer.flags */
#define HT_OBSERVER_EXACT_MERGE                                                                       \
  1u /* merging accumulators gives the same bits in any order and grouping, so that the host may keep \
        one for each worker; without it each sample has its own, merged in the order of the samples */

/* The first form is derive() alone: a function of the common statistics. The second form has an accumulator of its own
 * besides, for what the common statistics cannot give: begin() to release(), all of them or none. The host goes over
 * the data with both, so that observing costs no pass of its own, and again for as long as begin() asks for it. Where
 * begin() never gives an accumulator, derive() answers. Either way results are the same for any number of threads.
 * Whatever the component's threading says, begin(), observe() and release() are called for different accumulators from
 * several threads at once. */
typedef struct ht_observer {
  uint32_t struct_size;
  uint32_t wants;             /* HT_WANT_* for a per-tensor config */
  uint32_t wants_per_channel; /* HT_WANT_* for configs with several ranges; 0: cannot do them. A parameter that is
                                 quantized by block is shown as one whose channels, along axis 0, are the blocks. */
  uint32_t flags;             /* HT_OBSERVER_*; ignored in the first form */
  /* [any] Writes `count` ranges (1, or the number of channels). A range may exclude 0; the host widens it. `rule` takes
   * a short text for provenance such as "percentile 0.9999" (static or of the context's arena). */
  ht_status(HT_CALL *derive)(void *instance, ht_ctx *ctx, const ht_statistics *statistics, const ht_quant_spec *spec,
                             uint64_t count, float *low, float *high, ht_str *rule);
  /* [any] Optional. An empty accumulator for one config in one pass over the data, or null in *accumulator when the
   * pass is not needed. In the first pass `statistics` and `previous` are null. Before each further pass (at most 15)
   * begin() is called again with the common statistics of the whole first pass and, in `previous`, the accumulator of
   * the pass before with all samples in it, or null when there was none. Several accumulators are made of equal
   * arguments and merged. What is pointed at is [call]. */
  ht_status(HT_CALL *begin)(void *instance, ht_ctx *ctx, const ht_quant_spec *spec, const ht_statistics *statistics,
                            const void *previous, void **accumulator);
  /* [any] Adds one sample's tensor, or the whole of a parameter: float32, contiguous in row-major order, finite; never
   * empty. */
  ht_status(HT_CALL *observe)(void *instance, ht_ctx *ctx, void *accumulator, const ht_tensor_view *tensor);
  /* [any] Adds what `other` has seen. Without HT_OBSERVER_EXACT_MERGE `other` holds the sample that comes next. */
  ht_status(HT_CALL *merge)(void *instance, ht_ctx *ctx, void *accumulator, const void *other);
  /* [any] derive(), with the last accumulator and all samples in it. */
  ht_status(HT_CALL *finish)(void *instance, ht_ctx *ctx, const void *accumulator, const ht_statistics *statistics,
                             const ht_quant_spec *spec, uint64_t count, float *low, float *high, ht_str *rule);
  void(HT_CALL *release)(void *instance, void *accumulator); /* [any] */
} ht_observer;
HT_EXTERN_C_END
#endif
