/* Role "ht.pass/1": one step of a pipeline. It runs as a transaction on a working copy of the model. */
#ifndef HALFTONE_PASS_H
#define HALFTONE_PASS_H

#include "halftone/plugin.h"

HT_EXTERN_C_BEGIN
#define HT_PASS_1 "ht.pass/1"

/* Facts that first-party passes and the planner use. Third parties add their own, reverse-DNS. */
#define HT_FACT_BATCH_NORM_FOLDED "batch-norm-folded"
#define HT_FACT_DISPATCHED "dispatched" /* every node has its verdict: quantized, in float, or shapes */
#define HT_FACT_CONFIGS "configs"       /* every slot has its config from the platform */
#define HT_FACT_FUSED "configs-fused"   /* fusion has decided where quantization points are */
#define HT_FACT_PARAMETERS_QUANTIZED "parameters-quantized"
#define HT_FACT_ACTIVATIONS_CALIBRATED "activations-calibrated"
#define HT_FACT_PASSIVE_RESOLVED "passive-resolved"
#define HT_FACT_BAKED "baked"

typedef struct ht_pass {
  uint32_t struct_size;
  uint32_t reserved;
  /* [run] Success commits the edits, after the verifier; any other status drops them. */
  ht_status(HT_CALL *run)(void *instance, ht_ctx *ctx);
} ht_pass;
HT_EXTERN_C_END
#endif
