/* Service "ht.trial/1": single operators of the working model quantized in ways that are only tried, and what that does
 * to values behind them. Needs HT_CAP_EXECUTE. All functions are [run].
 *
 * Each sample of the run's calibration data goes through the model once, in float; then, for each trial, only what lies
 * behind the trial's operators runs again, from the values of the float run. Nothing of the model is changed. */
#ifndef HALFTONE_TRIAL_H
#define HALFTONE_TRIAL_H

#include "halftone/config.h"
#include "halftone/execution.h"

HT_EXTERN_C_BEGIN
#define HT_TRIAL_1 "ht.trial/1"

/* In place of the number of a trial: the float run itself. */
#define HT_TRIAL_NONE 0x7fffffffu

/* How one slot is quantized in a trial. */
typedef struct ht_trial_slot {
  uint32_t struct_size;
  uint32_t direction; /* HT_SLOT_INPUT, HT_SLOT_OUTPUT */
  ht_handle node;     /* of the main graph */
  uint32_t slot;
  uint32_t reserved;
  const ht_quant_spec *spec;
  const float *scales; /* one entry for each tensor, channel or block; none where the range is taken at run time */
  const int32_t *zero_points;
  uint64_t count;
} ht_trial_slot;

/* All that is quantized in one trial; the rest of the model is in float. */
typedef struct ht_trial {
  uint32_t struct_size;
  uint32_t reserved;
  const ht_trial_slot *slots;
  uint64_t slot_count;
} ht_trial;

typedef struct ht_trial_options {
  uint32_t struct_size;
  uint32_t reserved;
  ht_handles values; /* that operators make; results of the model, for instance */
  const ht_trial *trials;
  uint64_t trial_count;
  uint64_t first; /* as in ht_execution_options */
  uint64_t limit;
  uint64_t sink_bytes;
  uint64_t sink_worker_bytes;
} ht_trial_options;

/* What happens with the values. A status other than HT_OK ends the run with it. Where the parameters behind so many
 * operators would take too much memory, the trials are done in several passes over the samples: each pass hands over
 * the float values again, and every trial is in one of them. */
typedef struct ht_trial_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *user;
  /* [run] Optional. Before the first sample of each pass: workers 0 .. worker_count - 1 will call see(). */
  ht_status(HT_CALL *prepare)(void *user, ht_ctx *ctx, uint32_t worker_count);
  /* [worker] Concurrently for different workers. A worker hands over the values of the float run (HT_TRIAL_NONE), then
   * those of each trial in ascending order, before the next sample or frame. What a trial does not reach is not handed
   * over. Row-major float32, [call]. Which worker gets which samples depends on chance. */
  ht_status(HT_CALL *see)(void *user, ht_ctx *ctx, uint32_t worker, uint64_t sample, uint32_t trial, ht_handle value,
                          const ht_tensor_view *tensor);
  /* [worker] Optional, one call at a time, in the order of the samples, after the last see() of each; in every pass. */
  ht_status(HT_CALL *reduce)(void *user, ht_ctx *ctx, uint64_t sample);
} ht_trial_sink;

typedef struct ht_trial_runs {
  uint32_t struct_size;
  uint32_t reserved;
  /* `result` may be null; it is of one pass. HT_FAILED_PRECONDITION when the run has no calibration data,
   * HT_INVALID_ARGUMENT for a slot that is not there or a type that it cannot have. */
  ht_status(HT_CALL *run)(ht_ctx *ctx, const ht_trial_options *options, const ht_trial_sink *sink,
                          ht_execution_result *result);
  /* The class numbers that the user gave for the calibration samples, by the number of the sample. The array is [call],
   * and empty where there are none. */
  ht_status(HT_CALL *labels)(ht_ctx *ctx, ht_i64s *labels);
} ht_trial_runs;
HT_EXTERN_C_END
#endif
