/* Service "ht.fusion/1": what the platform and the pipeline of this run declare under `fusions:`, and where it occurs
 * in the model. Needs HT_CAP_GRAPH_READ; `find` and `replace` need HT_CAP_GRAPH_EDIT too. All functions are [run];
 * results are [call].
 *
 * An occurrence, a place, is found once, by the pass fuse-operators, and is noted with the model: passes that fold
 * normalizations inside it or put one node in the place of others do not lose it. It is known by its root, the node
 * that computes its output. docs/fusions.md describes what a fusion is. Where the run has none, the lists are empty. */
#ifndef HALFTONE_FUSION_H
#define HALFTONE_FUSION_H

#include "halftone/base.h"

HT_EXTERN_C_BEGIN
#define HT_FUSION_1 "ht.fusion/1"

/* The forms that a fusion may give besides its pattern. */
#define HT_FUSION_FUSED 1u    /* what runs during the run */
#define HT_FUSION_DEPLOYED 2u /* what stands in the exported file */

typedef struct ht_fusion {
  uint32_t struct_size;
  uint32_t reserved;
  /* Names of the fusions, in the order in which they are tried where they are equally long: the pipeline's first. */
  ht_status(HT_CALL *names)(ht_ctx *ctx, ht_strs *names);
  /* Finds the places of all fusions in the model as it stands, longest patterns first, each node in one place at most,
   * and notes them beside those that were noted before. `lines` has one text for each fusion, such as "2 places (1 not
   * fused: input w of Conv 'c' has 4 bits, not 8)". HT_PERMISSION_DENIED without HT_CAP_GRAPH_EDIT. */
  ht_status(HT_CALL *find)(ht_ctx *ctx, ht_strs *lines);
  /* The roots of the places of a fusion; HT_NOT_FOUND for a name that the run does not have. */
  ht_status(HT_CALL *places)(ht_ctx *ctx, const ht_str *name, ht_handles *roots);
  /* The nodes of a place that are left, in the order of the pattern; HT_NOT_FOUND for a node that is no root of one. */
  ht_status(HT_CALL *nodes)(ht_ctx *ctx, ht_handle root, ht_handles *nodes);
  /* What a name of the pattern stands for in a place, its output too; HT_NONE for an optional input that is absent.
   * HT_NOT_FOUND as above. */
  ht_status(HT_CALL *value)(ht_ctx *ctx, ht_handle root, const ht_str *name, ht_handle *value);
  /* Configs whose scale a fusion fixes or takes from its input: no pass may give them another scale. */
  ht_status(HT_CALL *pinned)(ht_ctx *ctx, ht_handles *configs);
  /* Configs that a fusion wants to have one scale: those of one group follow each other, and HT_NONE ends a group. */
  ht_status(HT_CALL *shares)(ht_ctx *ctx, ht_handles *configs);
  /* Puts another form into a place: new nodes with the configs of the values around it, in the order of the form's
   * text. None, and nothing changed, where the fusion has no such form. HT_FAILED_PRECONDITION where a computation
   * inside would be lost, or the opset lacks an operator; HT_PERMISSION_DENIED without HT_CAP_GRAPH_EDIT. */
  ht_status(HT_CALL *replace)(ht_ctx *ctx, ht_handle root, uint32_t form, ht_handles *nodes);
} ht_fusion;
HT_EXTERN_C_END
#endif
