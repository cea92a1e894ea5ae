/* Service "ht.execution/1": the working model, as it stands, run over the calibration data of the run. Needs
 * HT_CAP_EXECUTE. All functions are [run].
 *
 * A pass names values of the main graph and receives them sample by sample, while the executor still holds them. Only
 * the part of the graph that these values need is computed, with the pass's own edits in it. Samples, bad samples,
 * threads, the memory budget, progress and cancellation are those of the run. Bad samples that are skipped have no
 * number: `first`, `limit` and the numbers of samples count the others. */
#ifndef HALFTONE_EXECUTION_H
#define HALFTONE_EXECUTION_H

#include "halftone/executor.h"

HT_EXTERN_C_BEGIN
#define HT_EXECUTION_1 "ht.execution/1"

/* Where values that a pass feeds come from. */
typedef struct ht_execution_source {
  uint32_t struct_size;
  uint32_t reserved;
  void *user;
  uint64_t count; /* of samples */
  /* [worker] Fills one view per feed of the options, in their order, plain contiguous; what they point to is valid
   * until the next call for the same worker. `reference` 1: for the run of the float network, whose values of these
   * names are meant. */
  ht_status(HT_CALL *fetch)(void *user, ht_ctx *ctx, uint32_t worker, uint64_t sample, uint32_t reference,
                            ht_tensor_view *views);
} ht_execution_source;

/* A struct that is zeroed but for struct_size and values asks for one float pass over all samples. */
typedef struct ht_execution_options {
  uint32_t struct_size;
  uint32_t mode;              /* 0 or HT_MODE_FLOAT; HT_MODE_SIMULATED: fake quantization at every live config */
  uint32_t quantized_weights; /* in float mode: 1 takes parameters with live or baked configs in fake-quantized form */
  uint32_t plain;             /* 1: views are row-major float32, whatever the executor has; a type that is no float
                                 is refused */
  ht_handles values;          /* neither initializers nor folded away; graph inputs are possible */
  uint64_t first;             /* samples before this one are left out */
  uint64_t limit;             /* from there on; 0: all. The run's own limit holds as well */
  /* Bytes that the sink will hold, for the memory budget: in all, and more for each worker. */
  uint64_t sink_bytes;
  uint64_t sink_worker_bytes;
  /* Values of the float network, run on the same samples, for comparisons; each is handed to see_reference() after the
   * other values of the sample, or of the frame of a sequence, whose states it shares. The float network is the model
   * as when its activations were calibrated, so that corrections aim at the same; before that, as before the pass. */
  ht_handles references;
  /* Values of the main graph, not initializers, that the pass feeds in place of the run's data: only what lies between
   * them and `values` is computed, on the samples that `source` counts. None: the run's data. Since 1.1. */
  ht_handles feeds;
  const ht_execution_source *source; /* [call] */
} ht_execution_options;

/* What happens with the values. A status other than HT_OK ends the run with it. */
typedef struct ht_execution_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *user;
  /* [run] Optional. Before the first sample: workers 0 .. worker_count - 1 will call see(). */
  ht_status(HT_CALL *prepare)(void *user, ht_ctx *ctx, uint32_t worker_count);
  /* [worker] Concurrently for different workers; a worker hands over all values of a sample before the next one's, in
   * the order in which they are computed. The view is [call]. Which worker gets which samples depends on chance: what
   * is summed by worker must not depend on the order (integers, or floats that are exact). Where bad samples are
   * skipped, only samples that ran to their end are seen. `ctx` is the worker's, for "fail". */
  ht_status(HT_CALL *see)(void *user, ht_ctx *ctx, uint32_t worker, uint64_t sample, ht_handle value,
                          const ht_tensor_view *tensor);
  /* [worker] Optional, one call at a time, in the order of the samples, after the last see() of each. */
  ht_status(HT_CALL *reduce)(void *user, ht_ctx *ctx, uint64_t sample);
  /* [worker] As see(), of the options' references; null where there are none. */
  ht_status(HT_CALL *see_reference)(void *user, ht_ctx *ctx, uint32_t worker, uint64_t sample, ht_handle value,
                                    const ht_tensor_view *tensor);
} ht_execution_sink;

typedef struct ht_execution_result {
  uint32_t struct_size;
  uint32_t workers; /* that the memory budget allowed */
  uint64_t samples; /* that were seen */
  uint64_t skipped; /* bad ones */
} ht_execution_result;

typedef struct ht_execution {
  uint32_t struct_size;
  uint32_t reserved;
  /* One pass. `result` may be null. HT_FAILED_PRECONDITION when the run has no calibration data, as one from a
   * statistics file. */
  ht_status(HT_CALL *run)(ht_ctx *ctx, const ht_execution_options *options, const ht_execution_sink *sink,
                          ht_execution_result *result);
  /* How many samples a pass with these options would go through; 0 without data, which is no failure. */
  ht_status(HT_CALL *samples)(ht_ctx *ctx, const ht_execution_options *options, uint64_t *count);
} ht_execution;
HT_EXTERN_C_END
#endif
