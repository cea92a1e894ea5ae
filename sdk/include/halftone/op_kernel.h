/* Role "ht.op_kernels/1": plain kernels for operators, and the service "ht.op_kernel/1" by which executors find them.
 *
 * A kernel is a function of one node: attributes are read once in prepare(); infer() gives the outputs' types from the
 * inputs' (and from their data, where the shape depends on it); run() computes. A vendor's own operator needs nothing
 * else to run in every executor that falls back on kernels. */
#ifndef HALFTONE_OP_KERNEL_H
#define HALFTONE_OP_KERNEL_H

#include "halftone/plugin.h"
#include "halftone/tensor.h"

HT_EXTERN_C_BEGIN
#define HT_OP_KERNELS_1 "ht.op_kernels/1"
#define HT_OP_KERNEL_1 "ht.op_kernel/1"

typedef struct ht_op_kernel {
  uint32_t struct_size;
  uint32_t reserved;
  const char *domain; /* "" is ai.onnx */
  const char *op_type;
  int64_t since_opset; /* both inclusive */
  int64_t until_opset;
  /* [run] Reads attributes and constant inputs of the node through "ht.graph/1". HT_UNIMPLEMENTED with a reason for a
   * form that the kernel does not know. `host` lives as long as the state. */
  ht_status(HT_CALL *prepare)(const ht_host *host, ht_ctx *ctx, ht_handle node, void **state);
  void(HT_CALL *release)(void *state); /* [any] */
  /* [any] `inputs` has one view per slot of the node (dtype HT_DTYPE_NONE for an empty one); data may be null where it
   * is not known yet: then a kernel whose output shape depends on it answers HT_FAILED_PRECONDITION without recording
   * an error. Fills dtype, rank and shape of each output. */
  ht_status(HT_CALL *infer)(const void *state, ht_ctx *ctx, const ht_tensor_view *inputs, uint64_t input_count,
                            ht_tensor_info *outputs, uint64_t output_count);
  /* [any] Plain contiguous views with data; outputs as infer() said, allocated by the caller, never overlapping inputs.
   */
  ht_status(HT_CALL *run)(const void *state, ht_ctx *ctx, const ht_tensor_view *inputs, uint64_t input_count,
                          ht_tensor_view *outputs, uint64_t output_count);
} ht_op_kernel;

/* The role's table. */
typedef struct ht_op_kernels {
  uint32_t struct_size;
  uint32_t reserved;
  const ht_op_kernel *const *kernels;
  uint64_t kernel_count;
} ht_op_kernels;

/* The service. Needs HT_CAP_EXECUTE. */
typedef struct ht_op_kernel_lookup {
  uint32_t struct_size;
  uint32_t reserved;
  /* [run] The kernel that covers a node; HT_UNIMPLEMENTED, with operator, domain and opset recorded, when no loaded
   * plug-in has one. */
  ht_status(HT_CALL *find)(ht_ctx *ctx, ht_handle node, const ht_op_kernel **kernel);
} ht_op_kernel_lookup;
HT_EXTERN_C_END
#endif
