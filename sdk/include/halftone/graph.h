/* Service "ht.graph/1": the model, read only. Needs HT_CAP_GRAPH_READ.
 *
 * All functions are [run] unless said otherwise. A pass sees its own edits. Arrays and texts that come back are [call]
 * unless said otherwise: they live in the context's arena or in the model until the next edit. Handles of nodes in
 * subgraphs work like others. */
#ifndef HALFTONE_GRAPH_H
#define HALFTONE_GRAPH_H

#include "halftone/tensor.h"

HT_EXTERN_C_BEGIN
#define HT_GRAPH_1 "ht.graph/1"

typedef struct ht_node_info {
  uint32_t struct_size;
  uint32_t reserved;
  ht_handle graph;
  ht_str name; /* unique in its graph, never empty */
  ht_str op_type;
  ht_str domain;     /* empty for ai.onnx */
  int64_t opset;     /* of its domain */
  ht_handles inputs; /* HT_NONE where an optional slot is empty */
  ht_handles outputs;
} ht_node_info;

#define HT_VALUE_IS_INPUT 1u
#define HT_VALUE_IS_OUTPUT 2u
#define HT_VALUE_IS_INITIALIZER 4u

typedef struct ht_value_info {
  uint32_t struct_size;
  uint32_t flags;
  ht_handle graph;
  ht_str name;
  ht_handle producer; /* HT_NONE for inputs and initializers */
  uint32_t producer_slot;
  uint32_t consumer_count;
  ht_tensor_info type; /* as far as it is known statically */
} ht_value_info;

typedef struct ht_use {
  ht_handle node;
  uint32_t slot;
  uint32_t reserved;
} ht_use;

typedef struct ht_uses {
  const ht_use *data;
  uint64_t size;
} ht_uses;

/* Kinds of attributes. */
#define HT_ATTR_NONE 0u
#define HT_ATTR_INT 1u
#define HT_ATTR_FLOAT 2u
#define HT_ATTR_STRING 3u
#define HT_ATTR_TENSOR 4u
#define HT_ATTR_GRAPH 5u
#define HT_ATTR_INTS 6u
#define HT_ATTR_FLOATS 7u
#define HT_ATTR_STRINGS 8u
#define HT_ATTR_GRAPHS 9u
#define HT_ATTR_OTHER 10u

typedef struct ht_attr {
  uint32_t struct_size;
  uint32_t kind;
  ht_str name;
  int64_t i;
  double f; /* float attributes, widened */
  ht_str s;
  ht_tensor_view t; /* HT_ATTR_TENSOR */
  ht_handle graph;
  ht_i64s ints;
  const float *floats;
  uint64_t float_count;
  ht_strs strings;
  ht_handles graphs;
} ht_attr;

typedef struct ht_graph {
  uint32_t struct_size;
  uint32_t reserved;
  ht_status(HT_CALL *main_graph)(ht_ctx *ctx, ht_handle *graph);
  /* All graphs: the main one first, then subgraphs depth first. */
  ht_status(HT_CALL *graphs)(ht_ctx *ctx, ht_handles *graphs);
  /* Nodes in topological order. */
  ht_status(HT_CALL *nodes)(ht_ctx *ctx, ht_handle graph, ht_handles *nodes);
  ht_status(HT_CALL *values)(ht_ctx *ctx, ht_handle graph, ht_handles *values);
  /* Inputs that a caller must feed: initializers that are listed as inputs too are left out. */
  ht_status(HT_CALL *inputs)(ht_ctx *ctx, ht_handle graph, ht_handles *values);
  ht_status(HT_CALL *outputs)(ht_ctx *ctx, ht_handle graph, ht_handles *values);
  /* Batch getters: `count` handles, `count` structs of the caller's struct_size each. */
  ht_status(HT_CALL *node_infos)(ht_ctx *ctx, const ht_handle *nodes, uint64_t count, ht_node_info *infos);
  ht_status(HT_CALL *value_infos)(ht_ctx *ctx, const ht_handle *values, uint64_t count, ht_value_info *infos);
  ht_status(HT_CALL *consumers)(ht_ctx *ctx, ht_handle value, ht_uses *uses);
  /* HT_NOT_FOUND when there is no such attribute (nothing is recorded as an error then). */
  ht_status(HT_CALL *attribute)(ht_ctx *ctx, ht_handle node, const ht_str *name, ht_attr *attr);
  /* The stored tensor of an initializer; contiguous, read only; its bytes live until the initializer is replaced. A
   * baked parameter shows its quantized value. HT_NOT_FOUND when the value has none. */
  ht_status(HT_CALL *initializer)(ht_ctx *ctx, ht_handle value, ht_tensor_view *tensor);
  ht_status(HT_CALL *find_value)(ht_ctx *ctx, ht_handle graph, const ht_str *name, ht_handle *value);
  ht_status(HT_CALL *find_node)(ht_ctx *ctx, ht_handle graph, const ht_str *name, ht_handle *node);
  /* 0 when the domain is not imported. */
  ht_status(HT_CALL *opset)(ht_ctx *ctx, const ht_str *domain, int64_t *version);
  /* Counts edits; two equal revisions of one run mean the same model. */
  ht_status(HT_CALL *revision)(ht_ctx *ctx, uint64_t *revision);
  /* An entry of the model's metadata. The text lives until the entry is set again. HT_NOT_FOUND when there is none
   * (nothing is recorded as an error then). */
  ht_status(HT_CALL *metadata)(ht_ctx *ctx, const ht_str *key, ht_str *text);
  /* initializer() for whoever keeps the tensor longer than the model does, such as an executor's session: its shape and
   * bytes live, unchanged, until `hold` is released, whatever becomes of the initializer and of `ctx`. Nothing is
   * copied but a baked parameter, which is quantized for this call alone. */
  ht_status(HT_CALL *hold_initializer)(ht_ctx *ctx, ht_handle value, ht_tensor_view *tensor, void **hold);
  /* [any] Ends a hold, also after the call that took it has returned. NULL is allowed. */
  void(HT_CALL *release)(void *hold);
  /* [any] Says that the held bytes are not read soon, because a copy in another layout is: pages of a mapped file are
   * given back. Reading them again is allowed, and costs what reading the file costs. */
  void(HT_CALL *set_aside)(void *hold);
} ht_graph;
HT_EXTERN_C_END
#endif
