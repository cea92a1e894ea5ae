/* Service "ht.value_type/1": changes of what values are declared to be. Needs HT_CAP_GRAPH_EDIT. All functions are
 * [run].
 *
 * The edits go to the working copy, like those of "ht.graph_edit/1". The host does not follow them through the graph:
 * who changes the type of one value sees to the nodes that make and read it. */
#ifndef HALFTONE_VALUE_TYPE_H
#define HALFTONE_VALUE_TYPE_H

#include "halftone/tensor.h"

HT_EXTERN_C_BEGIN
#define HT_VALUE_TYPE_1 "ht.value_type/1"

typedef struct ht_value_type {
  uint32_t struct_size;
  uint32_t reserved;
  /* The element type of an input, an output or an intermediate value; its shape stays, with the names of its symbolic
   * dimensions. HT_FAILED_PRECONDITION for a value with a stored tensor, whose type is that of its data. */
  ht_status(HT_CALL *set_element_type)(ht_ctx *ctx, ht_handle value, ht_dtype dtype);
  /* One extent, below 0 when it is not known before the run; `symbol` is the name of such a dimension and may be null.
   * HT_INVALID_ARGUMENT where the value's shape is not known or has no such axis; HT_FAILED_PRECONDITION for a value
   * with a stored tensor. */
  ht_status(HT_CALL *set_extent)(ht_ctx *ctx, ht_handle value, uint32_t axis, int64_t extent, const ht_str *symbol);
  /* The name of a symbolic dimension; empty when the extent is known or has no name. HT_INVALID_ARGUMENT as above. The
   * text is [call]. */
  ht_status(HT_CALL *symbol)(ht_ctx *ctx, ht_handle value, uint32_t axis, ht_str *symbol);
} ht_value_type;
HT_EXTERN_C_END
#endif
