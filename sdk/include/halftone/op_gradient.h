/* Role "ht.op_gradients/1": gradients of operators, and the service "ht.op_gradient/1" by which trainers find them.
 *
 * A gradient belongs to a node as a kernel does (op_kernel.h): attributes are read once in prepare(); backward() turns
 * the gradients of the outputs into those of the inputs. A vendor's own operator with a kernel and a gradient can be
 * trained as any other. */
#ifndef HALFTONE_OP_GRADIENT_H
#define HALFTONE_OP_GRADIENT_H

#include "halftone/plugin.h"
#include "halftone/tensor.h"

HT_EXTERN_C_BEGIN
#define HT_OP_GRADIENTS_1 "ht.op_gradients/1"
#define HT_OP_GRADIENT_1 "ht.op_gradient/1"

typedef struct ht_op_gradient {
  uint32_t struct_size;
  uint32_t reserved;
  const char *domain; /* "" is ai.onnx */
  const char *op_type;
  int64_t since_opset; /* both inclusive */
  int64_t until_opset;
  /* Slots whose data backward() reads, bit n for slot n and bit 63 for slot 63 and all after it: what is not named need
   * not be kept between forward and backward. */
  uint64_t reads_inputs;
  uint64_t reads_outputs;
  /* Input slots that can have a gradient, in the same way. What flows into others, such as indices and shapes, is taken
   * as constant. */
  uint64_t differentiates;
  /* [run] Reads attributes and constant inputs of the node through "ht.graph/1". HT_UNIMPLEMENTED with a reason for a
   * form whose gradient is not known. `host` lives as long as the state. */
  ht_status(HT_CALL *prepare)(const ht_host *host, ht_ctx *ctx, ht_handle node, void **state);
  void(HT_CALL *release)(void *state); /* [any] */
  /* [any] Float32, plain contiguous views. `inputs` and `outputs` as in the forward run, one view per slot of the node
   * (dtype HT_DTYPE_NONE for an empty one, data null where it is not read). `output_gradients` has a view per output,
   * dtype HT_DTYPE_NONE where no gradient arrives, which means zeros. `input_gradients` has a view per input, of the
   * input's shape, allocated by the caller, dtype HT_DTYPE_NONE where none is wanted; it is overwritten, and never
   * overlaps what is read. What is written depends on the arguments alone: sums go in a fixed order. */
  ht_status(HT_CALL *backward)(const void *state, ht_ctx *ctx, const ht_tensor_view *inputs, uint64_t input_count,
                               const ht_tensor_view *outputs, uint64_t output_count,
                               const ht_tensor_view *output_gradients, ht_tensor_view *input_gradients);
} ht_op_gradient;

/* The role's table. */
typedef struct ht_op_gradients {
  uint32_t struct_size;
  uint32_t reserved;
  const ht_op_gradient *const *gradients;
  uint64_t gradient_count;
} ht_op_gradients;

/* The service. Needs HT_CAP_EXECUTE. */
typedef struct ht_op_gradient_lookup {
  uint32_t struct_size;
  uint32_t reserved;
  /* [run] The gradient that covers a node; HT_UNIMPLEMENTED, with operator, domain and opset recorded, when no loaded
   * plug-in has one. */
  ht_status(HT_CALL *find)(ht_ctx *ctx, ht_handle node, const ht_op_gradient **gradient);
} ht_op_gradient_lookup;
HT_EXTERN_C_END
#endif
