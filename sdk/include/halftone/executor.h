/* Role "ht.executor/1": runs the model.
 *
 * The unit of computation is one sample on one thread: run() is called concurrently for different worker numbers, never
 * starts threads of its own, and gives a sample the same bits whatever else runs. */
#ifndef HALFTONE_EXECUTOR_H
#define HALFTONE_EXECUTOR_H

#include "halftone/plugin.h"
#include "halftone/tensor.h"

HT_EXTERN_C_BEGIN
#define HT_EXECUTOR_1 "ht.executor/1"

#define HT_MODE_FLOAT 1u
#define HT_MODE_SIMULATED 2u /* fake quantization at every live config */
#define HT_MODE_INTEGER 3u   /* the quantized model in integer arithmetic */

typedef struct ht_session_options {
  uint32_t struct_size;
  uint32_t mode;
  uint32_t worker_count;      /* workers 0 .. worker_count - 1 will call run() */
  uint32_t quantized_weights; /* in float mode: 1 takes parameters with live or baked configs in fake-quantized form */
  ht_handles inputs; /* the order in which run() gets them: values to feed, graph inputs or any of the main graph */
  ht_handles emits;  /* values to hand to the emit callback: of the main graph, and of bodies each time that they run */
  uint32_t timed;    /* 1: time is taken of every step, for profile() */
  uint32_t reserved;
} ht_session_options;

/* [worker] Receives a value as soon as it is produced. The view, blocked or plain, is [call]: the buffer is reused
 * afterwards. In simulated mode a value is handed over as its consumers' float input before their own quantization,
 * that is after its producer's output quantization. A status other than HT_OK ends the run with it. */
typedef ht_status(HT_CALL *ht_emit)(void *user, ht_handle value, const ht_tensor_view *tensor);

/* What a step of a session does. */
#define HT_STEP_NODE 1u     /* computes a node, and those that are fused into it */
#define HT_STEP_REORDER 2u  /* brings `value` into the layout that `node` asks for */
#define HT_STEP_QUANTIZE 3u /* fake-quantizes `value` */
#define HT_STEP_INPUT 4u    /* takes in an input of the model */
#define HT_STEP_EMIT 5u     /* hands `value` to the emit callback, what that does included */

typedef struct ht_step {
  uint32_t struct_size;
  uint32_t kind;
  ht_handle node;       /* HT_NONE where the step belongs to none */
  ht_handle value;      /* HT_NONE where no value of the model is meant */
  ht_handles fused;     /* nodes that run inside this step after `node`, in their order */
  ht_str how;           /* what computes it, such as "jit:avx2"; empty: the executor does not say */
  uint64_t runs;        /* of all workers */
  uint64_t nanoseconds; /* of all runs */
} ht_step;

/* [run] Receives a step; it and what it points to are [call]. A status other than HT_OK ends the report with it. */
typedef ht_status(HT_CALL *ht_each_step)(void *user, const ht_step *step);

/* Bytes that a session holds or will hold. */
typedef struct ht_session_memory {
  uint32_t struct_size;
  uint32_t shapes_kept; /* for how many shapes of the inputs a worker keeps its memory at once; at least 1 */
  uint64_t shared;      /* by all workers: weights in the layouts of the kernels, constants; held already */
  uint64_t worker;      /* most that each worker adds to it while it runs inputs of these shapes */
} ht_session_memory;

typedef struct ht_executor {
  uint32_t struct_size;
  uint32_t modes; /* bit n set: mode n is offered */
  /* [run] HT_OK, or HT_UNIMPLEMENTED with the reason recorded, which names the operator. Called for every node before
   * any data is read. */
  ht_status(HT_CALL *supports)(void *instance, ht_ctx *ctx, ht_handle node, uint32_t mode);
  /* [run] Reads the model through "ht.graph/1" and "ht.config/1" and keeps what it needs: handles and views of ctx are
   * not valid in run(). */
  ht_status(HT_CALL *open)(void *instance, ht_ctx *ctx, const ht_session_options *options, void **session);
  /* [worker] One sample (or one batch, for a model whose axis 0 is no batch). `inputs` in the order of options->inputs,
   * plain contiguous. ctx belongs to the worker. */
  ht_status(HT_CALL *run)(void *session, ht_ctx *ctx, uint32_t worker, const ht_tensor_view *inputs,
                          uint64_t input_count, ht_emit emit, void *user);
  void(HT_CALL *close)(void *session); /* [run] */
  /* [run] Optional. The steps of a session that was opened with `timed`, in the order in which they run, while none
   * runs. Nodes that take none, such as folded ones, are left out. */
  ht_status(HT_CALL *profile)(void *session, ht_ctx *ctx, ht_each_step each, void *user);
  /* [any] Optional. What running inputs of these shapes will take: the views are those of run(), without data. Prepares
   * all that workers share for these shapes. An executor without it cannot keep to a memory budget. What operators
   * whose shapes depend on data take comes from the context and is not counted. */
  ht_status(HT_CALL *memory)(void *session, ht_ctx *ctx, const ht_tensor_view *inputs, uint64_t input_count,
                             ht_session_memory *memory);
} ht_executor;
HT_EXTERN_C_END
#endif
