/* Service "ht.graph_edit/1": edits of the working model. Needs HT_CAP_GRAPH_EDIT. All functions are [run].
 *
 * Edits go to the transaction's working copy: the caller sees them at once, the model changes only when the pass
 * returns HT_OK and the verifier finds no fault. Tensors and texts are copied. */
#ifndef HALFTONE_GRAPH_EDIT_H
#define HALFTONE_GRAPH_EDIT_H

#include "halftone/graph.h"

HT_EXTERN_C_BEGIN
#define HT_GRAPH_EDIT_1 "ht.graph_edit/1"
#define HT_NOTE_PREFIX "halftone.note/"

typedef struct ht_graph_edit {
  uint32_t struct_size;
  uint32_t reserved;
  /* A name that nothing in the graph or around it has: base, base_1, base_2 ... */
  ht_status(HT_CALL *unique_name)(ht_ctx *ctx, ht_handle graph, const ht_str *base, ht_str *name);
  /* `type` may be null. HT_ALREADY_EXISTS when the name is taken. */
  ht_status(HT_CALL *add_value)(ht_ctx *ctx, ht_handle graph, const ht_str *name, const ht_tensor_info *type,
                                ht_handle *value);
  ht_status(HT_CALL *add_initializer)(ht_ctx *ctx, ht_handle graph, const ht_str *name, const ht_tensor_view *tensor,
                                      ht_handle *value);
  /* Empty slots are HT_NONE. The name is made unique when it is taken. */
  ht_status(HT_CALL *add_node)(ht_ctx *ctx, ht_handle graph, const ht_str *op_type, const ht_str *domain,
                               const ht_str *name, const ht_handles *inputs, const ht_handles *outputs,
                               ht_handle *node);
  /* The node's outputs stay, without a producer; its configs go. */
  ht_status(HT_CALL *remove_node)(ht_ctx *ctx, ht_handle node);
  /* Only a value that nothing produces or reads and that is no input or output of a graph. */
  ht_status(HT_CALL *remove_value)(ht_ctx *ctx, ht_handle value);
  ht_status(HT_CALL *set_input)(ht_ctx *ctx, ht_handle node, uint32_t slot, ht_handle value);
  ht_status(HT_CALL *set_output)(ht_ctx *ctx, ht_handle node, uint32_t slot, ht_handle value);
  ht_status(HT_CALL *resize_inputs)(ht_ctx *ctx, ht_handle node, uint32_t count);
  /* Every consumer of `from` reads `to` afterwards. If `from` is an output of the graph, `to` becomes it under the name
   * that users know. */
  ht_status(HT_CALL *replace_uses)(ht_ctx *ctx, ht_handle from, ht_handle to);
  ht_status(HT_CALL *set_op_type)(ht_ctx *ctx, ht_handle node, const ht_str *op_type, const ht_str *domain);
  /* Kinds INT, FLOAT, STRING, TENSOR, INTS, FLOATS, STRINGS. */
  ht_status(HT_CALL *set_attribute)(ht_ctx *ctx, ht_handle node, const ht_attr *attr);
  ht_status(HT_CALL *remove_attribute)(ht_ctx *ctx, ht_handle node, const ht_str *name);
  ht_status(HT_CALL *set_initializer)(ht_ctx *ctx, ht_handle value, const ht_tensor_view *tensor);
  ht_status(HT_CALL *rename_value)(ht_ctx *ctx, ht_handle value, const ht_str *name);
  ht_status(HT_CALL *rename_node)(ht_ctx *ctx, ht_handle node, const ht_str *name);
  ht_status(HT_CALL *set_opset)(ht_ctx *ctx, const ht_str *domain, int64_t version);
  /* Entries whose key begins with HT_NOTE_PREFIX are notes of passes for later passes: no file has them. */
  ht_status(HT_CALL *set_metadata)(ht_ctx *ctx, const ht_str *key, const ht_str *text);
  /* An initializer that is listed among the inputs of its graph too is a constant alone afterwards: no caller of the
   * model can give another tensor in its place. Nothing happens to one that is not listed; HT_FAILED_PRECONDITION for a
   * value without a stored tensor. */
  ht_status(HT_CALL *unlist_initializer)(ht_ctx *ctx, ht_handle value);
} ht_graph_edit;
HT_EXTERN_C_END
#endif
