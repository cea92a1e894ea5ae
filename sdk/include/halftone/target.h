/* Service "ht.target/1": what the platform of this run demands, resolved for each node. Needs HT_CAP_GRAPH_READ. All
 * functions are [run]; results are [call]. */
#ifndef HALFTONE_TARGET_H
#define HALFTONE_TARGET_H

#include "halftone/param.h"
#include "halftone/quant.h"

HT_EXTERN_C_BEGIN
#define HT_TARGET_1 "ht.target/1"

/* What a slot carries. */
#define HT_SLOT_NONE 0u /* never quantized: shapes, indices, empty slots */
#define HT_SLOT_ACTIVATION 1u
#define HT_SLOT_WEIGHT 2u /* a parameter with its own scheme */
#define HT_SLOT_BIAS 3u   /* scale = input scale * weight scale */
#define HT_SLOT_BOUND 4u  /* takes the scale of input 0: limits of Clip, the fill value of Pad */

/* Where a node runs, as a dispatcher decided before configs are assigned. */
#define HT_DISPATCH_OPEN 0u     /* nobody has decided: as the platform says */
#define HT_DISPATCH_QUANTIZE 1u /* quantized where the platform has a quantized form */
#define HT_DISPATCH_FLOAT 2u    /* stays in float */
#define HT_DISPATCH_SHAPE 3u    /* computes shapes or indices: never quantized */

typedef struct ht_slot_rule {
  uint32_t struct_size;
  uint32_t role; /* HT_SLOT_* */
  ht_quant_spec spec;
  ht_str observer;
  const ht_field *observer_parameters;
  uint64_t observer_parameter_count;
  ht_str reason; /* for a slot left in float */
} ht_slot_rule;

typedef struct ht_node_rule {
  uint32_t struct_size;
  uint32_t quantized; /* 0: the node stays in float, `reason` says why */
  uint32_t passive;   /* output takes the quantization of input 0: pooling, reshaping */
  uint32_t computing; /* weighted operators: where a fusion may start */
  ht_str reason;
  const ht_slot_rule *inputs; /* one for each slot of the node */
  uint64_t input_count;
  const ht_slot_rule *outputs;
  uint64_t output_count;
} ht_node_rule;

typedef struct ht_target {
  uint32_t struct_size;
  uint32_t reserved;
  ht_status(HT_CALL *platform)(ht_ctx *ctx, ht_str *id);
  ht_status(HT_CALL *node_rule)(ht_ctx *ctx, ht_handle node, ht_node_rule *rule);
  /* An option of the descriptor by dotted name, such as "fusion.activations"; kind HT_VALUE_NONE when it does not say.
   */
  ht_status(HT_CALL *option)(ht_ctx *ctx, const ht_str *name, ht_value *value);
  /* What ONNX says that a slot carries, whatever the platform and the dispatch: HT_SLOT_*. `direction` is HT_SLOT_INPUT
   * or HT_SLOT_OUTPUT. HT_SLOT_NONE also for an empty slot and for a value that is known not to be floating point. */
  ht_status(HT_CALL *slot_role)(ht_ctx *ctx, ht_handle node, uint32_t direction, uint32_t slot, uint32_t *role);
  /* The verdict on a node, HT_DISPATCH_*, and its reason. node_rule answers by it: float and shape are not quantized.
   */
  ht_status(HT_CALL *dispatch)(ht_ctx *ctx, ht_handle node, uint32_t *verdict, ht_str *reason);
} ht_target;
HT_EXTERN_C_END
#endif
