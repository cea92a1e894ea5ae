/* Service "ht.report/1": rows for the run's report and notes on nodes. No capability needed. */
#ifndef HALFTONE_REPORT_H
#define HALFTONE_REPORT_H

#include "halftone/base.h"

HT_EXTERN_C_BEGIN
#define HT_REPORT_1 "ht.report/1"

typedef struct ht_report {
  uint32_t struct_size;
  uint32_t reserved;
  /* [any] One line of the pass's summary: "folded", "12 BatchNormalization nodes". Copied. */
  void(HT_CALL *row)(ht_ctx *ctx, const ht_str *key, const ht_str *text);
  /* [run] Why a node stays in float; `halftone explain` prints it. Replaces an earlier reason; empty text removes it.
   */
  ht_status(HT_CALL *float_reason)(ht_ctx *ctx, ht_handle node, const ht_str *text);
} ht_report;
HT_EXTERN_C_END
#endif
