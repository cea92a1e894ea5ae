/* Role "ht.trainer/1": gradients of a part of the model and optimizer steps, and the service "ht.training/1" by which
 * passes find the trainer of the run.
 *
 * A session is opened on the part of the main graph between values that are fed and values whose losses are taken. It
 * holds copies of all that it learns: the model is not written; a pass reads what was learned and edits the model. The
 * part computes as an executor in simulated mode does: every live config fake-quantizes, in the way that its method
 * says.
 *
 * A batch is cut into a fixed number of shards of neighbouring rows. Each shard is computed on one thread in a fixed
 * way, and gradients, losses and statistics are added in the order of the shards: results do not depend on threads. */
#ifndef HALFTONE_TRAINER_H
#define HALFTONE_TRAINER_H

#include "halftone/param.h"
#include "halftone/plugin.h"
#include "halftone/tensor.h"

HT_EXTERN_C_BEGIN
#define HT_TRAINER_1 "ht.trainer/1"
#define HT_TRAINING_1 "ht.training/1"

/* What is learned, and what else a session holds by a handle of the model. */
#define HT_LEARNED_WEIGHT 1u     /* an initializer: float32, its own shape */
#define HT_LEARNED_SCALE 2u      /* of a config: float32, one per tensor, channel or block */
#define HT_LEARNED_OFFSET 3u     /* zero points of a config, not rounded: float32, as many as scales */
#define HT_LEARNED_ROUNDING 4u   /* of a parameter's config: float32, one per element; what it means is the method's */
#define HT_LEARNED_STATISTICS 5u /* running mean or variance, by the initializer that holds it; has no gradient */
#define HT_LEARNED_KINDS 6u      /* one more than the last */

/* How a config fake-quantizes while it is trained. Configs that are not named are "fixed". */
typedef struct ht_train_quantizer {
  uint32_t struct_size;
  uint32_t learns;            /* bit HT_LEARNED_* set: it is learned; what the method cannot learn is refused */
  ht_handle config;           /* one with a scale of its own; those that it dominates or serves as master share it */
  ht_str method;              /* such as "lsq"; empty: "fixed". A trainer documents its methods */
  const ht_field *parameters; /* of the method; missing ones have their defaults */
  uint64_t parameter_count;
} ht_train_quantizer;

/* A convolution or product with the normalization that was folded into its weight and bias. While it is trained the
 * layer normalizes again: with s = gamma / sqrt(variance + epsilon) of each output channel it computes with the weight
 * quantize(weight * s), as its configs say, divides the outcome by s and normalizes it (Krishnamoorthi 2018,
 * arXiv:1806.08342, section 3.2.2). Where an s is so near to 0 that dividing by it means nothing, the statistics of
 * the batch are taken behind the weight as it is instead.
 *
 * Arrays have one element per output channel and are copied. read() and write() of the node's weight and bias are of
 * the folded form, which is what the model stores. What is learned of the normalization is read by HT_LEARNED_WEIGHT
 * (gamma, beta) and HT_LEARNED_STATISTICS (mean, variance) with the node and a part as the subject. */
typedef struct ht_train_fold {
  uint32_t struct_size;
  uint32_t batch_statistics; /* 1: normalizes by the batch and updates mean and variance; 0: by mean and variance */
  ht_handle node;            /* whose parameters hold the folded form */
  const float *gamma;
  const float *beta;
  const float *mean;
  const float *variance;
  uint64_t channels;
  float epsilon;
  float momentum;      /* weight of the old value, as in ONNX */
  const float *weight; /* not folded, in the shape of the stored one; null: the stored one divided by s */
} ht_train_fold;

/* Parts of a fold, as `part` of ht_train_subject. */
#define HT_FOLD_GAMMA 1u
#define HT_FOLD_BETA 2u
#define HT_FOLD_MEAN 3u
#define HT_FOLD_VARIANCE 4u

/* One thing that a session holds. */
typedef struct ht_train_subject {
  uint32_t struct_size;
  uint32_t kind;    /* HT_LEARNED_* */
  ht_handle handle; /* initializer or config; of a fold: its node */
  uint32_t part;    /* HT_FOLD_*, else 0 */
  uint32_t reserved;
} ht_train_subject;

#define HT_LOSS_MSE 1u   /* mean of squared differences over all elements */
#define HT_LOSS_POWER 2u /* mean over rows and positions of the sum over axis 1 of |difference|^exponent */
#define HT_LOSS_CROSS_ENTROPY                                                                              \
  3u                  /* output: logits, classes along axis 1; target: int64 classes; mean over the others \
                       */
#define HT_LOSS_KL 4u /* target: the teacher's logits; softened by a temperature, times its square */

typedef struct ht_train_loss {
  uint32_t struct_size;
  uint32_t kind;
  ht_handle output; /* a value of the part */
  float weight;     /* of this loss in the sum */
  float parameter;  /* exponent of HT_LOSS_POWER, temperature of HT_LOSS_KL */
  uint64_t axes;    /* bit n: axis n holds classes instead of axis 1; 0: axis 1 */
} ht_train_loss;

#define HT_OPTIMIZER_SGD 1u  /* v = momentum * v + g; w -= rate * v */
#define HT_OPTIMIZER_ADAM 2u /* Kingma and Ba 2015, with bias correction */

typedef struct ht_optimizer {
  uint32_t struct_size;
  uint32_t kind;
  float momentum;     /* SGD */
  float nesterov;     /* SGD: 1 looks ahead */
  float beta1, beta2; /* Adam */
  float epsilon;      /* Adam */
  float weight_decay; /* added to the gradient as weight_decay * w; of weights of rank above 1 only */
} ht_optimizer;

typedef struct ht_train_options {
  uint32_t struct_size;
  uint32_t shards;    /* of a batch; 0: the trainer's default, which never changes */
  ht_handles inputs;  /* values to feed: graph inputs or any of the main graph, rows along axis 0 */
  ht_handles outputs; /* values to hand out and to take losses of */
  ht_handles weights; /* initializers to learn */
  const ht_train_quantizer *quantizers;
  uint64_t quantizer_count;
  const ht_train_fold *folds;
  uint64_t fold_count;
  ht_handles normalizations; /* BatchNormalization nodes that normalize by the batch; others by their parameters */
  const ht_train_loss *losses;
  uint64_t loss_count;
  const ht_optimizer *optimizers; /* HT_LEARNED_KINDS of them, by kind; element 0 is not read. Null: Adam */
  uint64_t optimizer_count;
  uint64_t memory; /* most bytes for values kept between forward and backward; beyond it some are computed again. 0: no
                      limit */
  uint64_t seed;   /* of all that is random */
} ht_train_options;

/* A batch. Rows of all views belong together; float32 and int64 views, plain contiguous. */
typedef struct ht_train_batch {
  uint32_t struct_size;
  uint32_t soft; /* evaluate(): 1 computes as while learning: soft rounding, dropped quantization, batch statistics */
  const ht_tensor_view *inputs; /* in the order of options->inputs */
  uint64_t input_count;
  const ht_tensor_view *targets; /* in the order of options->losses */
  uint64_t target_count;
  uint64_t step; /* with the seed and a row's number in the batch: what random numbers depend on */
  /* Of AdaRound's regularizer (Nagel et al. 2020): weight * sum(1 - |2h - 1|^beta), added to the loss. */
  float rounding_weight;
  float rounding_beta;
  float quantization_weight; /* times the sum over learned weights of MSE(W, quantized W), added to the loss */
  /* What becomes of running statistics that are taken from the batch. 0: accumulate() mixes them by the momentum,
   * evaluate() leaves them. n > 0: accumulate() and evaluate() with `soft` take the old ones for the mean over n - 1
   * batches, and the new ones are the mean over n. */
  uint32_t statistics_batch;
} ht_train_batch;

typedef struct ht_train_result {
  uint32_t struct_size;
  uint32_t reserved;
  double loss;        /* weighted sum of all losses, without regularizers */
  double regularizer; /* what they add */
  uint64_t rows;
} ht_train_result;

typedef struct ht_train_update {
  uint32_t struct_size;
  uint32_t rate_count;
  const float *rates; /* learning rate by HT_LEARNED_*; element 0 is not read; missing ones are 0: not learned */
  float clip;         /* largest norm of all gradients of a kind together; 0: not clipped */
  float scale;        /* gradients are multiplied by it first: 1 / batches when several were accumulated; 0: 1 */
} ht_train_update;

/* [run] Receives one of options->outputs, of the whole batch; the view is [call]. */
typedef ht_status(HT_CALL *ht_train_emit)(void *user, ht_handle value, const ht_tensor_view *tensor);

typedef struct ht_trainer {
  uint32_t struct_size;
  uint32_t reserved;
  /* [run] HT_OK, or HT_UNIMPLEMENTED with the reason recorded, which names the operator. */
  ht_status(HT_CALL *supports)(void *instance, ht_ctx *ctx, ht_handle node);
  /* [run] Reads the model through "ht.graph/1" and "ht.config/1" of `ctx`. Later calls take contexts of the same run
   * and compute on its threads through "ht.parallel/1". */
  ht_status(HT_CALL *open)(void *instance, ht_ctx *ctx, const ht_train_options *options, void **session);
  /* [run] Forward. `emit` may be null. Without `soft` the result is what an executor in simulated mode gives, to
   * rounding. */
  ht_status(HT_CALL *evaluate)(void *session, ht_ctx *ctx, const ht_train_batch *batch, ht_train_emit emit, void *user,
                               ht_train_result *result);
  /* [run] Forward and backward; gradients are added to those since the last update(). */
  ht_status(HT_CALL *accumulate)(void *session, ht_ctx *ctx, const ht_train_batch *batch, ht_train_result *result);
  /* [run] One optimizer step with the accumulated gradients, which are zero afterwards. */
  ht_status(HT_CALL *update)(void *session, ht_ctx *ctx, const ht_train_update *update);
  /* [run] A view of what the session holds; [call] until the next call of the session. */
  ht_status(HT_CALL *read)(void *session, ht_ctx *ctx, const ht_train_subject *subject, ht_tensor_view *view);
  /* [run] The accumulated gradient, likewise. */
  ht_status(HT_CALL *gradient)(void *session, ht_ctx *ctx, const ht_train_subject *subject, ht_tensor_view *view);
  /* [run] Replaces values; the view has the subject's shape. Optimizer state stays. */
  ht_status(HT_CALL *write)(void *session, ht_ctx *ctx, const ht_train_subject *subject, const ht_tensor_view *view);
  /* [run] All that is learned and the optimizers' state, for checkpoints. `bytes` is the trainer's own format of this
   * version and machine; [call] until the next call of the session. */
  ht_status(HT_CALL *save)(void *session, ht_ctx *ctx, const void **bytes, uint64_t *size);
  /* [run] HT_DATA_LOSS when the bytes are not those of a session of the same options, `batch_statistics` aside. */
  ht_status(HT_CALL *restore)(void *session, ht_ctx *ctx, const void *bytes, uint64_t size);
  void(HT_CALL *close)(void *session); /* [run] */
} ht_trainer;

/* The service. Needs HT_CAP_EXECUTE and HT_CAP_THREADS. */
typedef struct ht_training {
  uint32_t struct_size;
  uint32_t reserved;
  /* [run] The trainer of the run and its instance, which live as long as the run; HT_UNIMPLEMENTED when there is none.
   */
  ht_status(HT_CALL *find)(ht_ctx *ctx, const ht_trainer **trainer, void **instance);
} ht_training;
HT_EXTERN_C_END
#endif
