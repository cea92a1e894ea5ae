/* Service "ht.calibration/1": statistics over the calibration data, and observers that turn them into ranges. Needs
 * HT_CAP_CALIBRATE. All functions are [run]. */
#ifndef HALFTONE_CALIBRATION_H
#define HALFTONE_CALIBRATION_H

#include "halftone/executor.h"
#include "halftone/param.h"
#include "halftone/statistics.h"
#include "halftone/tensor.h"

HT_EXTERN_C_BEGIN
#define HT_CALIBRATION_1 "ht.calibration/1"

typedef struct ht_statistics_request {
  uint32_t struct_size;
  uint32_t wants; /* HT_WANT_* */
  ht_handle value;
  uint32_t channel_axis;
  uint32_t reserved;
} ht_statistics_request;

typedef struct ht_collect_options {
  uint32_t struct_size;
  uint32_t quantized_weights; /* 1: parameters with live or baked configs are fake-quantized while executing */
  uint64_t group;             /* samples in a group, for HT_WANT_GROUPS; 0: none */
  uint64_t reserved;
  uint32_t mode; /* 0 or HT_MODE_FLOAT; HT_MODE_SIMULATED: of the network as it is quantized now, which needs data */
  uint32_t reserved2;
} ht_collect_options;

/* What an observer needs to know beside the statistics is in the config. */
typedef struct ht_calibration {
  uint32_t struct_size;
  uint32_t reserved;
  /* What the observer of a config (or the one named; may be null) wants: HT_WANT_* bits. HT_NOT_FOUND names the nearest
   * known observer. */
  ht_status(HT_CALL *wants)(ht_ctx *ctx, ht_handle config, const ht_str *observer, uint32_t *wants);
  /* One pass over the calibration data. Values of the main graph that are neither initializers nor folded away. */
  ht_status(HT_CALL *collect)(ht_ctx *ctx, const ht_statistics_request *requests, uint64_t count,
                              const ht_collect_options *options);
  /* What collect() found for a value. Lives until the next statistics(), measure() or collect(): copy what is to be
   * compared. HT_NOT_FOUND when the value was not asked for; HT_FAILED_PRECONDITION when it was, and no sample gave it
   * a single element. */
  ht_status(HT_CALL *statistics)(ht_ctx *ctx, ht_handle value, const ht_statistics **statistics);
  /* Statistics of a tensor in hand, such as a weight. Lives as long as that of statistics(). */
  ht_status(HT_CALL *measure)(ht_ctx *ctx, const ht_tensor_view *tensor, uint32_t wants, uint32_t channel_axis,
                              const ht_statistics **statistics);
  /* Lets the config's observer (or the one named, when `observer` is not null) turn statistics into ranges and sets the
   * config's scales from them, with the provenance filled in. */
  ht_status(HT_CALL *render)(ht_ctx *ctx, ht_handle config, const ht_statistics *statistics, const ht_str *observer);
  /* render() for many configs at once, on all threads of the run: a config whose slot holds a stored tensor from that
   * tensor, another one from what collect() found for its value. Scales are set in the order of `configs`, and of
   * several failures the first in that order is told, whatever the number of threads. rendered[i] becomes 1, or 0 where
   * there was no element to see: then the config stays as it was. Ends what statistics() and measure() handed out. */
  ht_status(HT_CALL *render_all)(ht_ctx *ctx, const ht_handle *configs, uint64_t count, const ht_str *observer,
                                 uint32_t *rendered);
  /* collect() for what the observers of these configs (or the one named) will need in render_all(): the statistics that
   * they want, and the accumulators of observers that have their own, in as many passes over the data as these ask for.
   * The configs' slots must not hold stored tensors. */
  ht_status(HT_CALL *observe_all)(ht_ctx *ctx, const ht_handle *configs, uint64_t count, const ht_str *observer,
                                  const ht_collect_options *options);
} ht_calibration;
HT_EXTERN_C_END
#endif
