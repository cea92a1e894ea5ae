/* Service "ht.cost/1": what the operators of a model cost on the platform of this run, by the `cost` hints of its
 * descriptor (docs/platforms.md). Needs HT_CAP_GRAPH_READ. All functions are [run].
 *
 * A hint is for comparing choices, such as widths of weights or nodes in float; it is no simulation of the device. */
#ifndef HALFTONE_COST_H
#define HALFTONE_COST_H

#include "halftone/base.h"

HT_EXTERN_C_BEGIN
#define HT_COST_1 "ht.cost/1"

/* In which form a node is costed. */
#define HT_COST_AS_DISPATCHED 0u /* as the platform and the dispatch of the run have it */
#define HT_COST_QUANTIZED 1u
#define HT_COST_FLOAT 2u

typedef struct ht_node_cost {
  uint32_t struct_size;
  uint32_t known;  /* 0: the platform gives no hint for the node, or a shape is not known; `cost` is 0 then */
  double cost;     /* of one sample, in the platform's unit */
  double products; /* that are summed: Conv, ConvTranspose, Gemm, MatMul; 0 for others */
  double elements; /* of the node's outputs */
} ht_node_cost;

typedef struct ht_cost {
  uint32_t struct_size;
  uint32_t reserved;
  /* "cycles"; empty when the platform gives no costs. The text is [call]. */
  ht_status(HT_CALL *unit)(ht_ctx *ctx, ht_str *unit);
  /* `weight_bits`: 0 for the width that the platform gives the node's weights, or another one to ask about. A first
   * extent that is not fixed counts as one sample. */
  ht_status(HT_CALL *node)(ht_ctx *ctx, ht_handle node, uint32_t form, uint32_t weight_bits, ht_node_cost *cost);
} ht_cost;
HT_EXTERN_C_END
#endif
