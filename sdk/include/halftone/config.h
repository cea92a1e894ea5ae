/* Services "ht.config/1" (read, HT_CAP_CONFIG_READ) and "ht.config_edit/1" (HT_CAP_CONFIG_EDIT): tensor quantization
 * configs, one for each input and output slot of a node that quantization concerns. */
#ifndef HALFTONE_CONFIG_H
#define HALFTONE_CONFIG_H

#include "halftone/param.h"
#include "halftone/quant.h"

HT_EXTERN_C_BEGIN
#define HT_CONFIG_1 "ht.config/1"
#define HT_CONFIG_EDIT_1 "ht.config_edit/1"

#define HT_SLOT_INPUT 0u
#define HT_SLOT_OUTPUT 1u

typedef struct ht_config_info {
  uint32_t struct_size;
  uint32_t state; /* HT_STATE_* */
  ht_handle node;
  uint32_t direction; /* HT_SLOT_INPUT, HT_SLOT_OUTPUT */
  uint32_t slot;
  ht_quant_spec spec;
  ht_handle root;       /* the config that dominates it, or itself */
  ht_handle master;     /* whose scale it borrows, or HT_NONE */
  ht_str observer;      /* component id; empty when none was asked for */
  uint64_t scale_count; /* of the root or master; 0 while unset */
  const float *scales;
  const int32_t *zero_points;
} ht_config_info;

typedef struct ht_config_read {
  uint32_t struct_size;
  uint32_t reserved;
  /* [any] All configs, in the order of their creation. */
  ht_status(HT_CALL *all)(ht_ctx *ctx, ht_handles *configs);
  /* [any] HT_NONE when the slot has no config. */
  ht_status(HT_CALL *find)(ht_ctx *ctx, ht_handle node, uint32_t direction, uint32_t slot, ht_handle *config);
  /* [any] The configs of a node's inputs and outputs, one per slot, HT_NONE where there is none. */
  ht_status(HT_CALL *of_node)(ht_ctx *ctx, ht_handle node, ht_handles *inputs, ht_handles *outputs);
  /* [any] Batch getter. */
  ht_status(HT_CALL *infos)(ht_ctx *ctx, const ht_handle *configs, uint64_t count, ht_config_info *infos);
  /* [any] The quantizer to apply at a live config; HT_NOT_FOUND (not recorded as an error) when the state says that
   * nothing is quantized here. `stored` 1 gives the quantizer of a baked parameter too: what an exporter stores. */
  ht_status(HT_CALL *quantizer)(ht_ctx *ctx, ht_handle config, uint32_t stored, ht_quantizer *quantizer);
} ht_config_read;

/* All [run]. The host adds the pass's id to the provenance of every scale. */
typedef struct ht_config_edit {
  uint32_t struct_size;
  uint32_t reserved;
  ht_status(HT_CALL *create)(ht_ctx *ctx, ht_handle node, uint32_t direction, uint32_t slot, const ht_quant_spec *spec,
                             uint32_t state, ht_handle *config);
  ht_status(HT_CALL *remove)(ht_ctx *ctx, ht_handle config);
  ht_status(HT_CALL *set_spec)(ht_ctx *ctx, ht_handle config, const ht_quant_spec *spec);
  /* HT_FAILED_PRECONDITION for an illegal transition. `reason` is what `halftone explain` prints; may be null. */
  ht_status(HT_CALL *set_state)(ht_ctx *ctx, ht_handle config, uint32_t state, const ht_str *reason);
  /* One scale and zero point per tensor, channel or block. `rule` says how they came about. */
  ht_status(HT_CALL *set_scales)(ht_ctx *ctx, ht_handle config, const float *scales, const int32_t *zero_points,
                                 uint64_t count, const ht_str *rule);
  /* One quantization point: `child` and its root become overlapped under `by`'s root. */
  ht_status(HT_CALL *dominate)(ht_ctx *ctx, ht_handle child, ht_handle by, const ht_str *reason);
  /* Stays live, with the master's scale. */
  ht_status(HT_CALL *set_master)(ht_ctx *ctx, ht_handle config, ht_handle master, const ht_str *reason);
  /* Makes a dominated or slaved config its own again, state initial. */
  ht_status(HT_CALL *release)(ht_ctx *ctx, ht_handle config);
  /* `parameters` are checked against the observer's schema when it is used. */
  ht_status(HT_CALL *set_observer)(ht_ctx *ctx, ht_handle config, const ht_str *observer, const ht_field *parameters,
                                   uint64_t parameter_count);
  /* Marks a parameter as stored in quantized form: its readers see the fake-quantized value, an exporter stores
   * integers. Nothing is copied now. The slot must hold an initializer. */
  ht_status(HT_CALL *bake)(ht_ctx *ctx, ht_handle config);
  /* What a dispatcher decides about a node before configs are assigned: HT_DISPATCH_* of halftone/target.h.
   * HT_DISPATCH_OPEN takes a verdict back. `reason` is what `halftone explain` prints of a node that stays in float. */
  ht_status(HT_CALL *set_dispatch)(ht_ctx *ctx, ht_handle node, uint32_t verdict, const ht_str *reason);
} ht_config_edit;
HT_EXTERN_C_END
#endif
